/* The n-grams that a text repeats, as ngrams.py defines them.

repeated_chars(words, top, longest) -> list of ints

words      a list of str
top        up to this n only the most frequent n-gram counts, above it all that occur twice
longest    n of the longest n-grams; the list is for n = 2 and on */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <stdint.h>
#include <string.h>

#define GOLDEN 0x9E3779B97F4A7C15u

typedef struct {
    uint64_t key;          /* the number of the n-gram that is one word shorter, and the word */
    int32_t times, place; /* how often it occurs, and where first */
} Gram;

typedef struct {
    int32_t words;
    int32_t *ids;          /* of each word; the same word has the same one */
    int64_t *up_to;        /* characters before each word, and of all */
    int32_t *places;       /* where an n-gram begins that occurs twice, in order; before n = 2 all */
    int32_t *numbers;      /* of the n-gram at each of the places */
    int32_t count;         /* of the places */
    Gram *grams;           /* by their numbers */
    int32_t *table;        /* their numbers by their keys' hash, -1 where there is none */
} Text;

static inline int64_t chars_of(const Text *text, int32_t place, int32_t n)
{
    return text->up_to[place + n] - text->up_to[place];
}

/* The number of the n-gram with this key, which is counted. */
static inline int32_t number_of(Text *text, uint64_t key, int32_t place, int32_t *known, uint32_t bits)
{
    uint32_t slot = (uint32_t)(key * GOLDEN >> (64 - bits));
    int32_t number;
    while ((number = text->table[slot]) >= 0 && text->grams[number].key != key)
        slot = (slot + 1) & ((1u << bits) - 1);
    if (number < 0) {
        number = text->table[slot] = (*known)++;
        text->grams[number] = (Gram){key, 0, place};
    }
    text->grams[number].times++;
    return number;
}

/* From the places of the (n-1)-grams that occur twice to those of the n-grams; gives how many differ. */
static int32_t lengthen(Text *text, int32_t n)
{
    int32_t known = 0, kept = 0;
    uint32_t bits = 1;
    while (text->count && text->places[text->count - 1] + n > text->words)
        text->count--; /* it would go on beyond the text's end */
    while ((int64_t)1 << bits < 2 * (int64_t)text->count)
        bits++;
    memset(text->table, -1, sizeof(int32_t) << bits);
    for (int32_t at = 0; at < text->count; at++) {
        const int32_t place = text->places[at];
        const uint64_t key = (uint64_t)text->numbers[at] << 32 | (uint32_t)text->ids[place + n - 1];
        text->numbers[at] = number_of(text, key, place, &known, bits);
    }
    for (int32_t at = 0; at < text->count; at++) {
        if (text->grams[text->numbers[at]].times > 1) {
            text->places[kept] = text->places[at];
            text->numbers[kept++] = text->numbers[at];
        }
    }
    text->count = kept;
    return known;
}

/* Characters in all occurrences of the n-gram that occurs most often, the longest of several. */
static int64_t most_frequent(const Text *text, int32_t n, int32_t known)
{
    int64_t most = 0, longest = 0;
    for (int32_t number = 0; number < known; number++) {
        const Gram *gram = &text->grams[number];
        const int64_t chars = chars_of(text, gram->place, n);
        if (gram->times > most || (gram->times == most && chars > longest))
            most = gram->times, longest = chars;
    }
    return most * longest;
}

/* Characters of the words in any n-gram that occurs twice. */
static int64_t covered(const Text *text, int32_t n)
{
    int64_t chars = 0;
    int32_t end = 0;
    for (int32_t at = 0; at < text->count; at++) {
        const int32_t place = text->places[at], begin = place > end ? place : end;
        end = place + n;
        chars += chars_of(text, begin, end - begin);
    }
    return chars;
}

/* The numbers of the words, in the order in which they appear, and their lengths; -1 with an error set. */
static int read_words(Text *text, PyObject *words)
{
    PyObject *known = PyDict_New();
    int32_t at = 0;
    for (; known && at < text->words; at++) {
        PyObject *word = PyList_GetItem(words, at), *number = PyDict_GetItemWithError(known, word);
        if (number) {
            text->ids[at] = (int32_t)PyLong_AsLong(number);
        } else {
            text->ids[at] = (int32_t)PyDict_Size(known);
            number = PyErr_Occurred() ? NULL : PyLong_FromLong(text->ids[at]);
            const int failed = !number || PyDict_SetItem(known, word, number) < 0;
            Py_XDECREF(number);
            if (failed)
                break;
        }
        const Py_ssize_t chars = PyUnicode_GetLength(word);
        if (chars < 0)
            break;
        text->up_to[at + 1] = text->up_to[at] + chars;
        text->places[at] = at;
        text->numbers[at] = text->ids[at];
    }
    text->count = at;
    Py_XDECREF(known);
    return known && at == text->words ? 0 : -1;
}

/* Room for all that is known of a text, in one block, which the caller frees; NULL where there is none. */
static void *make_room(Text *text)
{
    const size_t words = (size_t)text->words;
    const size_t ints = 3 * words + 4 * (words + 1); /* the table takes less than twice what it is asked to hold */
    int64_t *up_to = PyMem_Malloc((words + 1) * sizeof(int64_t) + words * sizeof(Gram) + ints * sizeof(int32_t));
    if (!up_to)
        return PyErr_NoMemory();
    up_to[0] = 0;
    text->up_to = up_to;
    text->grams = (Gram *)(up_to + words + 1);
    text->ids = (int32_t *)(text->grams + words);
    text->places = text->ids + words;
    text->numbers = text->places + words;
    text->table = text->numbers + words;
    return up_to;
}

static PyObject *measure(Text *text, int top, int longest)
{
    PyObject *found = PyList_New(0);
    for (int32_t n = 2; found && n <= longest; n++) {
        const int32_t known = lengthen(text, n);
        const int64_t chars = !text->count ? 0 : n <= top ? most_frequent(text, n, known) : covered(text, n);
        PyObject *number = PyLong_FromLongLong(chars);
        if (!number || PyList_Append(found, number) < 0)
            Py_CLEAR(found);
        Py_XDECREF(number);
    }
    return found;
}

static PyObject *repeated_chars(PyObject *module, PyObject *arguments)
{
    PyObject *words, *found = NULL;
    int top, longest;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "O!ii", &PyList_Type, &words, &top, &longest))
        return NULL;
    if (PyList_Size(words) > INT32_MAX)
        return PyErr_NoMemory();
    Text text = {.words = (int32_t)PyList_Size(words)};
    void *room = make_room(&text);
    if (room && read_words(&text, words) == 0)
        found = measure(&text, top, longest);
    PyMem_Free(room);
    return found;
}

static PyMethodDef methods[] = {{"repeated_chars", repeated_chars, METH_VARARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_ngrams", NULL, 0, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__ngrams(void)
{
    return PyModuleDef_Init(&definition);
}
