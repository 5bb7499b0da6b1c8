/* The fields of a submission by which most are refused, read from its line, and where all those stand that a post
has (posts.py). What is not written as usual is ODD. */

#include "_repeat.h"

#define MAX_DIGITS 18       /* of a decimal number: below 2^63 */
#define MAX_ID_DIGITS 12    /* of a base-36 number: below 2^63 */
#define MAX_URL 2048        /* of a plain URL; a longer one may be too long */
#define MAX_MEMBERS 32      /* of a post, repeated names included */
#define NONE INT64_MIN      /* the field is missing, or null */
#define ODD (INT64_MIN + 1) /* it is there, and not written as usual */

typedef struct {
    const unsigned char *begin, *end; /* of "name": value */
} member;

typedef struct {
    int64_t id, score, created, retrieved_on, retrieved_utc, retrieved_again, is_self, over_18, promoted;
    const unsigned char *host, *host_end; /* of a plain URL, else NULL */
    int count;
    member members[MAX_MEMBERS];
    pairing lines;
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

/* Passes over the value, and says whether a post has such a field. */
static int read_value(reader *in, const unsigned char *name, size_t length, post *to, int *wanted)
{
#define IS(text) (!memcmp(name, text, length))
    *wanted = 1;
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
        *wanted = IS("title");
        return skip_value(in, 1);
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
    case 9:
        *wanted = IS("subreddit");
        return skip_value(in, 1);
    case 11:
        if (IS("created_utc"))
            return read_integer(in, &to->created);
        break;
    case 12:
        if (IS("retrieved_on"))
            return read_integer(in, &to->retrieved_on);
        *wanted = IS("num_comments");
        return skip_value(in, 1);
    case 13:
        if (IS("retrieved_utc"))
            return read_integer(in, &to->retrieved_utc);
        break;
    case 22:
        *wanted = IS("url_overridden_by_dest");
        return skip_value(in, 1);
    case ESCAPED:
        return 0;
    }
    *wanted = 0;
    return skip_value(in, 1);
}

static int read_post_field(reader *in, const unsigned char *name, size_t length, int depth, void *found)
{
    post *to = found;
    int wanted;
    (void)depth;
    if (!read_value(in, name, length, to, &wanted) || (wanted && to->count == MAX_MEMBERS))
        return 0;
    if (wanted)
        to->members[to->count++] = (member){name - 1, in->at};
    pair(&to->lines, name - 1, length + 2, wanted);
    return 1;
}

/* `now` is where the places of the line's members are kept, `before` where those of the line before are. */
static int read_line(reader *in, post *found, layout *now, const layout *before)
{
    found->id = found->score = found->created = NONE;
    found->retrieved_on = found->retrieved_utc = found->retrieved_again = NONE;
    found->is_self = found->over_18 = found->promoted = NONE;
    found->host = found->host_end = NULL;
    found->count = 0;
    found->lines = (pairing){now, before, 0};
    now->count = 0;
    now->end = in->end;
    skip_blanks(in);
    if (!take(in, '{'))
        return 0;
    skip_blanks(in);
    if (!take(in, '}')) {
        do {
            skip_blanks(in);
            pass_repeated(in, &found->lines);
            skip_blanks(in);
            if (!read_member(in, read_post_field, 1, found))
                return 0;
            skip_blanks(in);
        } while (take(in, ','));
        if (!take(in, '}'))
            return 0;
    }
    skip_blanks(in);
    return in->at == in->end;
}
