/* Which rows of a dump a few of their numbers and flags decide, told from the lines without making objects.

scan(lines, first_row, limits, keys, open, counts) -> (keyed, opened) or None

lines      bytes-like, whole lines; the last may lack its line end
first_row  the number of the first line in its source
limits     int64s, enum limit: the rules
keys       int64s (n, 3) to write to: the keys (superseding.py) of rows that are refused and have an id
open       int64s (n, 7) to write to, for each line that is not decided: row, begin, end; the parts of its key, id
           and time; begin and end of its URL's host, if nothing but that host can still refuse it before the
           rules on URLs, else two zeros
counts     256 int64s to write to: how many rows were refused, by the code of their reason

Gives how many of both were written; None where a line is not one JSON object, has escapes in a name, or there are
more than n lines: then a parser has to look at all. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "_json.h"

#define MAX_DIGITS 18       /* of a decimal number: below 2^63 */
#define MAX_ID_DIGITS 12    /* of a base-36 number: below 2^63 */
#define NONE INT64_MIN      /* the field is missing, or null */
#define ODD (INT64_MIN + 1) /* it is there, and not written as usual */
#define UNDECIDED -1
#define OPEN -2
#define MAX_URL 2048        /* of a plain URL; a longer one may be too long */

enum limit { SCORED, MIN_KARMA, BEFORE, AFTER, ALLOWS_OVER_18, MAX_SECONDS, SELF_POST, KARMA, TOO_NEW, TOO_OLD, OVER_18, LIMITS };

typedef struct {
    int64_t id, score, created, retrieved_on, retrieved_utc, retrieved_again, is_self, over_18, promoted;
    const unsigned char *host, *host_end; /* of a plain URL, else NULL */
} post;

/* A decimal number of at most MAX_DIGITS digits and nothing else, or ODD. */
static int64_t whole_number(const unsigned char *at, const unsigned char *end, int signs)
{
    int64_t number = 0;
    int negative = signs && at < end && *at == '-';
    at += negative;
    if (at >= end || end - at > MAX_DIGITS)
        return ODD;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return ODD;
        number = 10 * number + (*at - '0');
    }
    return negative ? -number : number;
}

static int read_integer(reader *in, int64_t *found)
{
    const unsigned char *begin = in->at;
    if (!skip_value(in, 0))
        return 0;
    if (*begin == 'n')
        *found = NONE;
    else if (*begin == '"')
        *found = whole_number(begin + 1, in->at - 1, 0);
    else
        *found = whole_number(begin, in->at, 1);
    return 1;
}

static int read_flag(reader *in, int64_t *found)
{
    unsigned char first = in->at < in->end ? *in->at : 0;
    *found = first == 't' ? 1 : first == 'f' ? 0 : first == 'n' ? NONE : ODD;
    return skip_value(in, 0);
}

/* The number that a lower-case base-36 id writes in the one spelling it has, or ODD. */
static int64_t id_number(const unsigned char *at, const unsigned char *end)
{
    int64_t number = 0;
    if (at >= end || end - at > MAX_ID_DIGITS || (*at == '0' && end - at > 1))
        return ODD;
    for (; at < end; at++) {
        if (*at >= '0' && *at <= '9')
            number = 36 * number + (*at - '0');
        else if (*at >= 'a' && *at <= 'z')
            number = 36 * number + (*at - 'a' + 10);
        else
            return ODD;
    }
    return number;
}

static int read_id(reader *in, int64_t *found)
{
    const unsigned char *begin = in->at;
    if (!skip_value(in, 0))
        return 0;
    *found = *begin == 'n' ? NONE : *begin == '"' ? id_number(begin + 1, in->at - 1) : ODD;
    return 1;
}

static int is_alphanumeric(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z');
}

/* The end of labels of [a-z0-9-] with at least one dot between them, or NULL. */
static const unsigned char *host_end(const unsigned char *at, const unsigned char *end)
{
    int dots = 0;
    const unsigned char *label = at;
    for (; at < end && (is_alphanumeric(*at) || *at == '-' || *at == '.'); at++)
        if (*at == '.') {
            if (at == label)
                return NULL;
            label = at + 1;
            dots++;
        }
    return dots && at > label ? at : NULL;
}

/* Whether what follows a host is, by a part of what canonical.py calls plain, a path and a query as they should be. */
static int is_plain_target(const unsigned char *at, const unsigned char *end)
{
    int in_query = 0;
    if (at < end && *at != '/' && *at != '?')
        return 0;
    for (unsigned char before = 0; at < end; before = *at++) {
        if (is_alphanumeric(*at) || (*at >= 'A' && *at <= 'Z'))
            continue;
        if (*at == '?')
            in_query = 1;
        else if (!*at || !strchr(in_query ? "-._~/=&+,:@" : "-._~/=+,:@", *at) || (*at == '.' && before == '/'))
            return 0;
    }
    return 1;
}

static int read_url(reader *in, post *to)
{
    const unsigned char *at = in->at;
    to->host = NULL;
    if (!skip_value(in, 0))
        return 0;
    const unsigned char *end = in->at - 1;
    if (*at++ != '"' || end - at > MAX_URL || end - at < 8 || memcmp(at, "http", 4))
        return 1;
    at += at[4] == 's' ? 5 : 4;
    if (memcmp(at, "://", 3))
        return 1;
    to->host_end = host_end(at + 3, end);
    if (to->host_end && is_plain_target(to->host_end, end))
        to->host = at + 3;
    return 1;
}

static int read_meta_field(reader *in, const unsigned char *name, size_t length, int depth, void *found)
{
    if (length == ESCAPED)
        return 0;
    if (length == 16 && !memcmp(name, "retrieved_2nd_on", 16))
        return read_integer(in, &((post *)found)->retrieved_again);
    return skip_value(in, depth);
}

static int read_meta(reader *in, post *found)
{
    found->retrieved_again = NONE;
    if (take(in, '{'))
        return read_object(in, read_meta_field, 1, found);
    return skip_value(in, 0);
}

static int read_post_field(reader *in, const unsigned char *name, size_t length, int depth, void *found)
{
#define IS(text) (!memcmp(name, text, length))
    post *to = found;
    switch (length) {
    case 2:
        if (IS("id"))
            return read_id(in, &to->id);
        break;
    case 3:
        if (IS("url"))
            return read_url(in, to);
        break;
    case 5:
        if (IS("score"))
            return read_integer(in, &to->score);
        if (IS("_meta"))
            return read_meta(in, to);
        break;
    case 7:
        if (IS("is_self"))
            return read_flag(in, &to->is_self);
        if (IS("over_18"))
            return read_flag(in, &to->over_18);
        break;
    case 8:
        if (IS("promoted"))
            return read_flag(in, &to->promoted);
        break;
    case 11:
        if (IS("created_utc"))
            return read_integer(in, &to->created);
        break;
    case 12:
        if (IS("retrieved_on"))
            return read_integer(in, &to->retrieved_on);
        break;
    case 13:
        if (IS("retrieved_utc"))
            return read_integer(in, &to->retrieved_utc);
        break;
    case ESCAPED:
        return 0;
    }
    return skip_value(in, depth);
}

static int read_line(reader *in, post *found)
{
    *found = (post){NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NULL, NULL};
    skip_blanks(in);
    if (!take(in, '{') || !read_object(in, read_post_field, 1, found))
        return 0;
    skip_blanks(in);
    return in->at == in->end;
}

/* The code of the rule that refuses a post, in the order of Rules.refusal; OPEN where none but one on subreddits or
URLs may. */
static int64_t refusal(const post *it, const int64_t *limits)
{
    if (it->is_self != 0)
        return it->is_self == 1 ? limits[SELF_POST] : UNDECIDED;
    if (limits[SCORED]) {
        if (it->score == ODD)
            return UNDECIDED;
        if (it->score < limits[MIN_KARMA])
            return limits[KARMA];
    }
    if (it->created == ODD)
        return UNDECIDED;
    if (it->created >= 0 && it->created < limits[MAX_SECONDS]) {
        if (it->created >= limits[BEFORE])
            return limits[TOO_NEW];
        if (it->created < limits[AFTER])
            return limits[TOO_OLD];
    }
    if (!limits[ALLOWS_OVER_18] && it->over_18 == ODD)
        return UNDECIDED;
    if (!limits[ALLOWS_OVER_18] && it->over_18 == 1)
        return limits[OVER_18];
    return it->promoted == NONE || it->promoted == 0 ? OPEN : UNDECIDED;
}

/* Seconds by which retrievals of one submission are ordered, or ODD. */
static int64_t retrieved(const post *it, int64_t max_seconds)
{
    int64_t times[] = {it->retrieved_utc, it->retrieved_on, it->retrieved_again, it->created};
    for (int each = 0; each < 4; each++) {
        if (times[each] == ODD)
            return ODD;
        if (times[each] < 0 || times[each] >= max_seconds)
            times[each] = NONE;
    }
    int64_t first = times[0] != NONE ? times[0] : times[1];
    int64_t last = first > times[2] ? first : times[2];
    return last != NONE ? last : times[3] != NONE ? times[3] : 0;
}

typedef struct {
    const unsigned char *text;
    const int64_t *limits;
    int64_t *key, *open, *counts;
    Py_ssize_t rows, keyed, opened;
} glance;

static void decide(glance *to, const post *it, int64_t row, const unsigned char *begin, const unsigned char *end)
{
    int64_t code = refusal(it, to->limits), time = retrieved(it, to->limits[MAX_SECONDS]);
    int has_key = time != ODD && it->id != ODD;
    if (code >= 0 && has_key) {
        to->counts[code & 0xFF]++;
        if (it->id != NONE) {
            const int64_t key[] = {it->id, time, row << 16 | code << 8};
            memcpy(to->key + 3 * to->keyed++, key, sizeof key);
        }
    } else {
        int has_host = code == OPEN && has_key && it->host;
        const int64_t open[] = {
            row, begin - to->text, end - to->text, it->id, time,
            has_host ? it->host - to->text : 0, has_host ? it->host_end - to->text : 0,
        };
        memcpy(to->open + 7 * to->opened++, open, sizeof open);
    }
}

static int scan_lines(glance *to, Py_ssize_t bytes, int64_t first_row, Py_ssize_t capacity)
{
    const unsigned char *begin = to->text, *end = begin + bytes;
    for (; begin < end; to->rows++) {
        const unsigned char *line_end = memchr(begin, '\n', (size_t)(end - begin));
        reader in = {begin, line_end ? line_end : end};
        post it;
        if (to->rows == capacity || !read_line(&in, &it))
            return 0;
        decide(to, &it, first_row + to->rows, begin, in.end);
        begin = in.end + 1;
    }
    return 1;
}

static PyObject *scan(PyObject *module, PyObject *arguments)
{
    Py_buffer lines, limits, keys, open, counts;
    long long first_row;
    int done = 0;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "y*Ly*w*w*w*", &lines, &first_row, &limits, &keys, &open, &counts))
        return NULL;
    const Py_ssize_t key_rows = keys.len / (3 * (Py_ssize_t)sizeof(int64_t));
    const Py_ssize_t open_rows = open.len / (7 * (Py_ssize_t)sizeof(int64_t));
    glance to = {lines.buf, limits.buf, keys.buf, open.buf, counts.buf, 0, 0, 0};
    int fits = limits.len == LIMITS * sizeof(int64_t) && counts.len == 256 * sizeof(int64_t);
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        done = scan_lines(&to, lines.len, first_row, key_rows < open_rows ? key_rows : open_rows);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&lines);
    PyBuffer_Release(&limits);
    PyBuffer_Release(&keys);
    PyBuffer_Release(&open);
    PyBuffer_Release(&counts);
    if (!fits)
        return PyErr_Format(PyExc_ValueError, "%d limits and 256 counts are needed", LIMITS);
    if (!done)
        Py_RETURN_NONE;
    return Py_BuildValue("(nn)", to.keyed, to.opened);
}

static PyMethodDef methods[] = {{"scan", scan, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_scan", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__scan(void)
{
    return PyModuleDef_Init(&definition);
}
