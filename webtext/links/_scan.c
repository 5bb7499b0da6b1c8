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

#include "_post.h"

#define UNDECIDED -1
#define OPEN -2 /* only rules on subreddits and URLs are left */

enum limit {
    SCORED, MIN_KARMA, BEFORE, AFTER, ALLOWS_OVER_18, MAX_SECONDS,
    SELF_POST, KARMA, TOO_NEW, TOO_OLD, OVER_18, /* the codes of their reasons */
    LIMITS
};

/* The code of the rule that refuses a post, in the order of Rules.refusal, or OPEN, or UNDECIDED. */
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
