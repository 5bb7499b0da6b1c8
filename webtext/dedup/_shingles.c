/* The hashes of runs of words, as shingles.py defines them.

shingle_hashes(texts, factors, hashes, offsets) -> count

texts      a list of bytes, words separated by single spaces
factors    uint64s, for each position in a shingle
hashes     uint64s to write to, at least one for each word
offsets    int64s to write to, one more than there are texts: where each text's hashes begin

Gives how many hashes were written. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdint.h>
#include <string.h>

#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "eight bytes are read as a little-endian integer"
#endif

#define CHUNK 8
#define MULTIPLIER 0xD6E8FEB86659FD93u
#define GOLDEN 0x9E3779B97F4A7C15u
#define ONES 0x0101010101010101u

static inline uint64_t mix(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= MULTIPLIER;
    return hash ^ hash >> 32;
}

/* The next eight bytes, or those before the word's end; `end` is the text's. */
static inline uint64_t read_chunk(const unsigned char *at, size_t wanted, const unsigned char *end)
{
    uint64_t chunk = 0;
    if (end - at >= CHUNK)
        memcpy(&chunk, at, CHUNK);
    else
        memcpy(&chunk, at, (size_t)(end - at));
    return wanted >= CHUNK ? chunk : chunk & (((uint64_t)1 << (8 * wanted)) - 1);
}

static uint64_t hash_word(const unsigned char *word, size_t length, const unsigned char *end)
{
    uint64_t hash = mix(read_chunk(word, length, end) ^ length * GOLDEN);
    for (size_t at = CHUNK; at < length; at += CHUNK)
        hash = mix(hash * GOLDEN ^ read_chunk(word + at, length - at, end));
    return hash;
}

/* Where the word ends that begins here. */
static inline const unsigned char *end_of_word(const unsigned char *at, const unsigned char *end)
{
    if (end - at >= CHUNK) { /* most words are short: look at eight bytes at once */
        uint64_t chunk, found;
        memcpy(&chunk, at, CHUNK);
        chunk ^= ONES * ' ';
        found = (chunk - ONES) & ~chunk & ONES * 0x80;
        if (found)
            return at + __builtin_ctzll(found) / 8;
    }
    const unsigned char *space = memchr(at, ' ', (size_t)(end - at));
    return space ? space : end;
}

/* Writes a hash for each word; gives how many, or more than `room` where they do not fit. */
static Py_ssize_t hash_words(const unsigned char *at, Py_ssize_t length, uint64_t *hashes, Py_ssize_t room)
{
    const unsigned char *end = at + length;
    Py_ssize_t words = 0;
    for (; at < end; words++) {
        const unsigned char *word_end = end_of_word(at, end);
        if (words == room)
            return room + 1;
        hashes[words] = hash_word(at, (size_t)(word_end - at), end);
        at = word_end + 1;
    }
    return words;
}

/* Turns the hashes of a text's words into those of its shingles, in place; gives how many. */
static Py_ssize_t combine(uint64_t *hashes, Py_ssize_t words, const uint64_t *factors, Py_ssize_t size)
{
    const Py_ssize_t shingles = words > size ? words - size + 1 : words > 0;
    const Py_ssize_t run = words < size ? words : size;
    for (Py_ssize_t begin = 0; begin < shingles; begin++) {
        uint64_t sum = 0;
        for (Py_ssize_t each = 0; each < run; each++)
            sum += hashes[begin + each] * factors[each];
        hashes[begin] = mix(sum);
    }
    return shingles;
}

static Py_ssize_t hash_texts(PyObject *texts, const Py_buffer *factors, const Py_buffer *hashes, int64_t *offsets)
{
    const Py_ssize_t count = PyList_Size(texts), room = hashes->len / (Py_ssize_t)sizeof(uint64_t);
    Py_ssize_t used = offsets[0] = 0;
    for (Py_ssize_t each = 0; each < count; each++) {
        char *text;
        Py_ssize_t length;
        if (PyBytes_AsStringAndSize(PyList_GetItem(texts, each), &text, &length) < 0)
            return -1;
        uint64_t *to = (uint64_t *)hashes->buf + used;
        const Py_ssize_t words = hash_words((const unsigned char *)text, length, to, room - used);
        if (words > room - used) {
            PyErr_SetString(PyExc_ValueError, "there is not room for a hash of each word");
            return -1;
        }
        used += combine(to, words, factors->buf, factors->len / (Py_ssize_t)sizeof(uint64_t));
        offsets[each + 1] = used;
    }
    return used;
}

static PyObject *shingle_hashes(PyObject *module, PyObject *arguments)
{
    PyObject *texts;
    Py_buffer factors, hashes, offsets;
    Py_ssize_t used = -1;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O!y*w*w*", &PyList_Type, &texts, &factors, &hashes, &offsets))
        return NULL;
    if (offsets.len != (PyList_Size(texts) + 1) * (Py_ssize_t)sizeof(int64_t) || factors.len < CHUNK)
        PyErr_SetString(PyExc_ValueError, "a factor, and an offset for each text and the end are needed");
    else
        used = hash_texts(texts, &factors, &hashes, offsets.buf);
    PyBuffer_Release(&factors);
    PyBuffer_Release(&hashes);
    PyBuffer_Release(&offsets);
    return used < 0 ? NULL : PyLong_FromSsize_t(used);
}

static PyMethodDef methods[] = {{"shingle_hashes", shingle_hashes, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_shingles", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__shingles(void)
{
    return PyModuleDef_Init(&definition);
}
