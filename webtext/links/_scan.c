/* Which rows of a dump a few of their numbers and flags decide, told from the lines without making objects.

scan(lines, limits, keys, open, fields, counts) -> (keyed, opened, written) or None

lines      bytes-like, whole lines; the last may lack its line end
limits     int64s, enum limit: the rules
keys       int64s (n, 3) to write to: the keys (superseding.py) of rows that are refused and have an id
open       int64s (n, 7) to write to, for each line that is not decided: row; begin and end of its fields; the parts
           of its key, id and time; begin and end, in its line, of its URL's host, if nothing but that host can
           still refuse it before the rules on URLs, else two zeros
fields     bytes to write to, one more than there are in lines: the members of undecided lines that a post has, as
           they are written, each line an object of its own; a line that is not one JSON object, or has escapes in a
           name, as a whole: what it is a parser has to say
counts     256 int64s to write to: how many rows were refused, by the code of their reason

Rows are counted from 0; blank lines are none. Gives how many keys, open lines and bytes were written; None where there
are more than n rows: then a parser has to look at all. */

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
    if (it->created == ODD || it->created >= limits[MAX_SECONDS]) /* which may be milliseconds */
        return UNDECIDED;
    if (it->created >= 0) {
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
        if (times[each] == ODD || times[each] >= max_seconds)
            return ODD;
        if (times[each] < 0)
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
    unsigned char *fields;
    Py_ssize_t rows, keyed, opened, written;
} glance;

/* Writes a post's members as one line, which is never longer than its own with a line end. */
static void write_fields(glance *to, const post *it)
{
    unsigned char *at = to->fields + to->written;
    *at++ = '{';
    for (int each = 0; each < it->count; each++) {
        const size_t length = (size_t)(it->members[each].end - it->members[each].begin);
        if (each)
            *at++ = ',';
        memcpy(at, it->members[each].begin, length);
        at += length;
    }
    *at++ = '}';
    *at++ = '\n';
    to->written = at - to->fields;
}

/* What was written from `begin` on are the fields of a row that is open. */
static void leave_open(glance *to, int64_t begin, int64_t id, int64_t time, int64_t host, int64_t host_end)
{
    const int64_t open[] = {to->rows, begin, to->written, id, time, host, host_end};
    memcpy(to->open + 7 * to->opened++, open, sizeof open);
}

/* Leaves a line open as it is. */
static void hand_over(glance *to, const unsigned char *line, const unsigned char *end)
{
    const Py_ssize_t begin = to->written, length = end - line;
    memcpy(to->fields + begin, line, (size_t)length);
    to->fields[begin + length] = '\n';
    to->written += length + 1;
    leave_open(to, begin, NONE, 0, 0, 0);
}

static void decide(glance *to, const post *it)
{
    int64_t code = refusal(it, to->limits), time = retrieved(it, to->limits[MAX_SECONDS]);
    int has_key = time != ODD && it->id != ODD;
    if (code >= 0 && has_key) {
        to->counts[code & 0xFF]++;
        if (it->id != NONE) {
            const int64_t key[] = {it->id, time, (int64_t)to->rows << 16 | code << 8};
            memcpy(to->key + 3 * to->keyed++, key, sizeof key);
        }
    } else {
        int has_host = code == OPEN && has_key && it->host;
        const int64_t begin = to->written;
        write_fields(to, it);
        leave_open(to, begin, it->id, time, has_host ? it->host - to->text : 0, has_host ? it->host_end - to->text : 0);
    }
}

static int is_blank(reader line)
{
    skip_blanks(&line);
    return line.at == line.end;
}

static int scan_lines(glance *to, Py_ssize_t bytes, Py_ssize_t capacity)
{
    const unsigned char *begin = to->text, *end = begin + bytes;
    layout layouts[2], *now = layouts, *before = layouts + 1; /* of a line and the last one that was read */
    before->count = 0;
    for (const unsigned char *line_end; begin < end; begin = line_end + 1) {
        line_end = memchr(begin, '\n', (size_t)(end - begin));
        line_end = line_end ? line_end : end;
        reader in = {begin, line_end};
        post it;
        if (is_blank(in))
            continue;
        if (to->rows == capacity)
            return 0;
        if (read_line(&in, &it, now, before)) {
            layout *read = now;
            now = before, before = read;
            decide(to, &it);
        } else
            hand_over(to, begin, line_end);
        to->rows++;
    }
    return 1;
}

static PyObject *scan(PyObject *module, PyObject *arguments)
{
    Py_buffer lines, limits, keys, open, fields, counts;
    int done = 0;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "y*y*w*w*w*w*", &lines, &limits, &keys, &open, &fields, &counts))
        return NULL;
    const Py_ssize_t key_rows = keys.len / (3 * (Py_ssize_t)sizeof(int64_t));
    const Py_ssize_t open_rows = open.len / (7 * (Py_ssize_t)sizeof(int64_t));
    glance to = {lines.buf, limits.buf, keys.buf, open.buf, counts.buf, fields.buf, 0, 0, 0, 0};
    int fits = limits.len == LIMITS * sizeof(int64_t) && counts.len == 256 * sizeof(int64_t);
    fits = fits && fields.len > lines.len;
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        done = scan_lines(&to, lines.len, key_rows < open_rows ? key_rows : open_rows);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&lines);
    PyBuffer_Release(&limits);
    PyBuffer_Release(&keys);
    PyBuffer_Release(&open);
    PyBuffer_Release(&fields);
    PyBuffer_Release(&counts);
    if (!fits)
        return PyErr_Format(PyExc_ValueError, "%d limits, 256 counts and room for all fields are needed", LIMITS);
    if (!done)
        Py_RETURN_NONE;
    return Py_BuildValue("(nnn)", to.keyed, to.opened, to.written);
}

static PyMethodDef methods[] = {{"scan", scan, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_scan", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__scan(void)
{
    return PyModuleDef_Init(&definition);
}
