/* What two texts have in common, as normalise.py defines it, in one pass over UTF-8.

normalise(text, table, unspaced) -> bytes or None

text      str
table     a uint16 for each UTF-16 code unit: what it is folded to; 0 leaves no trace
unspaced  a byte for each UTF-16 code unit: whether, once folded, it is a word by itself

Gives the folded text in UTF-8, its words separated by single spaces; None where the text has surrogates, which UTF-8
does not know. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdint.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the tables are little-endian"
#endif

#define UNITS 0x10000
#define LARGEST 5 /* bytes that one of text becomes at most: a space, a code unit, a space */

static unsigned char *write_utf8(unsigned char *out, uint32_t letter)
{
    if (letter < 0x800) {
        *out++ = (unsigned char)(0xC0 | letter >> 6);
        *out++ = (unsigned char)(0x80 | (letter & 0x3F));
    } else if (letter < UNITS) {
        *out++ = (unsigned char)(0xE0 | letter >> 12);
        *out++ = (unsigned char)(0x80 | (letter >> 6 & 0x3F));
        *out++ = (unsigned char)(0x80 | (letter & 0x3F));
    } else {
        *out++ = (unsigned char)(0xF0 | letter >> 18);
        *out++ = (unsigned char)(0x80 | (letter >> 12 & 0x3F));
        *out++ = (unsigned char)(0x80 | (letter >> 6 & 0x3F));
        *out++ = (unsigned char)(0x80 | (letter & 0x3F));
    }
    return out;
}

/* The next letter of valid UTF-8, one that is not ASCII. */
static uint32_t read_utf8(const unsigned char **at)
{
    const unsigned char *in = *at;
    if (in[0] < 0xE0) {
        *at += 2;
        return (in[0] & 0x1Fu) << 6 | (in[1] & 0x3Fu);
    }
    if (in[0] < 0xF0) {
        *at += 3;
        return (in[0] & 0x0Fu) << 12 | (in[1] & 0x3Fu) << 6 | (in[2] & 0x3Fu);
    }
    *at += 4;
    return (in[0] & 0x07u) << 18 | (in[1] & 0x3Fu) << 12 | (in[2] & 0x3Fu) << 6 | (in[3] & 0x3Fu);
}

/* Writes a letter that is no space, or one that a space before and after makes a word. */
static unsigned char *write_letter(unsigned char *out, uint32_t letter, int alone, int *spaced)
{
    if (alone && !*spaced)
        *out++ = ' ';
    out = write_utf8(out, letter);
    if (alone)
        *out++ = ' ';
    *spaced = alone;
    return out;
}

static Py_ssize_t fold(const unsigned char *in, Py_ssize_t length, const uint16_t *table,
                       const unsigned char *unspaced, unsigned char *to)
{
    const unsigned char *end = in + length;
    unsigned char *out = to;
    int spaced = 1; /* whether a space here would be one too many */
    while (in < end) {
        uint32_t letter = *in < 0x80 ? *in++ : read_utf8(&in);
        if (letter < UNITS)
            letter = table[letter];
        if (letter < 0x80) { /* without a branch, for where words end cannot be foretold */
            const int space = letter == ' ';
            *out = (unsigned char)letter;
            out += (letter != 0) & !(space & spaced);
            spaced = space | ((letter == 0) & spaced);
            continue;
        }
        out = write_letter(out, letter, letter < UNITS && unspaced[letter], &spaced);
    }
    return out - to - (out > to && out[-1] == ' ');
}

static PyObject *folded(const char *text, Py_ssize_t length, const Py_buffer *table, const Py_buffer *unspaced)
{
    if (length > PY_SSIZE_T_MAX / LARGEST)
        return PyErr_NoMemory();
    unsigned char *room = PyMem_Malloc((size_t)length * LARGEST + 1);
    if (!room)
        return PyErr_NoMemory();
    length = fold((const unsigned char *)text, length, table->buf, unspaced->buf, room);
    PyObject *result = PyBytes_FromStringAndSize((const char *)room, length);
    PyMem_Free(room);
    return result;
}

static PyObject *normalise(PyObject *module, PyObject *arguments)
{
    PyObject *text, *result = NULL;
    Py_buffer table, unspaced;
    Py_ssize_t length;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "Uy*y*", &text, &table, &unspaced))
        return NULL;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &length);
    if (table.len != UNITS * sizeof(uint16_t) || unspaced.len != UNITS) {
        PyErr_Format(PyExc_ValueError, "the tables need an entry for each of %d code units", UNITS);
    } else if (utf8) {
        result = folded(utf8, length, &table, &unspaced);
    } else if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
        PyErr_Clear();
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&table);
    PyBuffer_Release(&unspaced);
    return result;
}

static PyMethodDef methods[] = {{"normalise", normalise, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_normalise", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__normalise(void)
{
    return PyModuleDef_Init(&definition);
}
