/* Passing over JSON (RFC 8259) in place, strictly: what is passed over here any parser accepts.

Each function starts where something should begin, and either leaves the reader behind it and gives 1, or gives 0.
None reads past the reader's end, or nests deeper than MAX_DEPTH. UTF-8 is not checked. */

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MAX_DEPTH 64
#define ESCAPED SIZE_MAX /* the length of a name with escapes, which may spell any other */

typedef struct {
    const unsigned char *at, *end;
} reader;

/* Called behind each name's colon; it has to pass over the value. */
typedef int field_reader(reader *, const unsigned char *name, size_t length, int depth, void *found);

static int skip_value(reader *, int depth);

static inline void skip_blanks(reader *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\t' || *in->at == '\r'))
        in->at++;
}

static inline int take(reader *in, unsigned char wanted)
{
    if (in->at >= in->end || *in->at != wanted)
        return 0;
    in->at++;
    return 1;
}

static int take_word(reader *in, const char *word, size_t length)
{
    if ((size_t)(in->end - in->at) < length || memcmp(in->at, word, length))
        return 0;
    in->at += length;
    return 1;
}

static int is_hex(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'f');
}

static int skip_escape(reader *in)
{
    if (in->at >= in->end)
        return 0;
    if (*in->at == 'u') {
        if (in->end - in->at < 5)
            return 0;
        for (int digit = 1; digit <= 4; digit++)
            if (!is_hex(in->at[digit]))
                return 0;
        in->at += 5;
        return 1;
    }
    return *in->at && strchr("\"\\/bfnrt", *in->at++) != NULL;
}

/* How many bytes from `at` on stand plainly in a string, at most BLOCK: up to a quote, a backslash or a control
character. */
#ifdef __SSE2__
#define BLOCK 16
static inline int plain_bytes(const unsigned char *at)
{
    const __m128i block = _mm_loadu_si128((const __m128i *)at), last = _mm_set1_epi8(0x1f);
    const __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    const __m128i slashes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    const __m128i controls = _mm_cmpeq_epi8(_mm_max_epu8(block, last), last);
    const int stops = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, slashes), controls));
    return stops ? __builtin_ctz(stops) : BLOCK;
}
#else
#define BLOCK 1
static inline int plain_bytes(const unsigned char *at)
{
    return *at != '"' && *at != '\\' && *at >= 0x20;
}
#endif

static inline void skip_plain(reader *in)
{
    int plain = BLOCK;
    while (plain == BLOCK && in->end - in->at >= BLOCK) {
        plain = plain_bytes(in->at);
        in->at += plain;
    }
    while (in->at < in->end && *in->at != '"' && *in->at != '\\' && *in->at >= 0x20)
        in->at++;
}

/* After the opening quote; *escaped says whether the string is more than its bytes. */
static inline int skip_string(reader *in, int *escaped)
{
    for (;;) {
        skip_plain(in);
        if (in->at >= in->end)
            return 0;
        if (*in->at == '"') {
            in->at++;
            return 1;
        }
        if (*in->at++ != '\\' || !skip_escape(in))
            return 0;
        *escaped = 1;
    }
}

static int skip_digits(reader *in)
{
    const unsigned char *begin = in->at;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        in->at++;
    return in->at > begin;
}

static int skip_number(reader *in)
{
    take(in, '-');
    if (!take(in, '0') && !skip_digits(in))
        return 0;
    if (take(in, '.') && !skip_digits(in))
        return 0;
    if (take(in, 'e') || take(in, 'E')) {
        if (!take(in, '+'))
            take(in, '-');
        return skip_digits(in);
    }
    return 1;
}

static int skip_array(reader *in, int depth)
{
    skip_blanks(in);
    if (take(in, ']'))
        return 1;
    do {
        if (!skip_value(in, depth))
            return 0;
        skip_blanks(in);
    } while (take(in, ','));
    return take(in, ']');
}

/* A name, a colon and a value. */
static inline int read_member(reader *in, field_reader *read_field, int depth, void *found)
{
    int escaped = 0;
    const unsigned char *name;
    if (!take(in, '"'))
        return 0;
    name = in->at;
    if (!skip_string(in, &escaped))
        return 0;
    size_t length = escaped ? ESCAPED : (size_t)(in->at - 1 - name);
    skip_blanks(in);
    if (!take(in, ':'))
        return 0;
    skip_blanks(in);
    return read_field(in, name, length, depth, found);
}

/* After the opening brace. */
static inline int read_object(reader *in, field_reader *read_field, int depth, void *found)
{
    skip_blanks(in);
    if (take(in, '}'))
        return 1;
    do {
        skip_blanks(in);
        if (!read_member(in, read_field, depth, found))
            return 0;
        skip_blanks(in);
    } while (take(in, ','));
    return take(in, '}');
}

static int skip_field(reader *in, const unsigned char *name, size_t length, int depth, void *found)
{
    (void)name, (void)length, (void)found;
    return skip_value(in, depth);
}

static int skip_value(reader *in, int depth)
{
    int escaped;
    if (in->at >= in->end || depth >= MAX_DEPTH)
        return 0;
    switch (*in->at) {
    case '"':
        in->at++;
        return skip_string(in, &escaped);
    case '{':
        in->at++;
        return read_object(in, skip_field, depth + 1, NULL);
    case '[':
        in->at++;
        return skip_array(in, depth + 1);
    case 't':
        return take_word(in, "true", 4);
    case 'f':
        return take_word(in, "false", 5);
    case 'n':
        return take_word(in, "null", 4);
    default:
        return skip_number(in);
    }
}
