/* Members of a line that stand just so in the line before, the last one that could be read. Lines of a dump repeat
each other's names, nulls and flags: comparing whole stretches of bytes is quicker than reading them.

A stretch that is passed over begins and ends where a member of the line before begins, and holds no member whose
value is needed; the same bytes there are JSON here as they were there. */

#include <stddef.h>

#include "_json.h"

#define MAX_LAYOUT 256 /* members whose places are kept */
#define MOST_MISSING 4 /* members of the line before that are looked through for one of the same name */

typedef struct {
    const unsigned char *end; /* of the line */
    int count;
    struct {
        const unsigned char *begin; /* of its name, with the quote */
        int needed;
    } members[MAX_LAYOUT];
} layout;

/* A line that is being read beside the one before it. */
typedef struct {
    layout *now;
    const layout *before;
    int next; /* member of the line before that stands where this line's next one may stand */
} pairing;

static inline void keep_place(layout *now, const unsigned char *begin, int needed)
{
    if (now->count < MAX_LAYOUT) {
        now->members[now->count].begin = begin;
        now->members[now->count++].needed = needed;
    }
}

/* How many bytes are the same, at least; the last few are not looked at. */
static inline ptrdiff_t same_bytes(const unsigned char *a, const unsigned char *b, ptrdiff_t length)
{
    ptrdiff_t same = 0;
#ifdef __SSE2__
    for (; same + 16 <= length; same += 16) {
        const __m128i left = _mm_loadu_si128((const __m128i *)(a + same));
        const __m128i right = _mm_loadu_si128((const __m128i *)(b + same));
        const int differs = _mm_movemask_epi8(_mm_cmpeq_epi8(left, right)) ^ 0xFFFF;
        if (differs)
            return same + __builtin_ctz(differs);
    }
#else
    for (uint64_t left, right; same + 8 <= length; same += 8) {
        memcpy(&left, a + same, 8);
        memcpy(&right, b + same, 8);
        if (left != right)
            break;
    }
#endif
    return same;
}

/* Where a member may begin: passes over those that the line before has too, up to one that is needed. What is compared
beyond that is compared again, MAX_MEMBERS times at most: a line with more that are needed is given up. */
static inline void pass_repeated(reader *in, pairing *lines)
{
    const layout *before = lines->before;
    int next = lines->next;
    if (next + 1 >= before->count || before->members[next].needed)
        return;
    const unsigned char *old = before->members[next].begin;
    const ptrdiff_t there = before->end - old, here = in->end - in->at;
    const ptrdiff_t same = same_bytes(old, in->at, there < here ? there : here);
    while (next + 1 < before->count && !before->members[next].needed && before->members[next + 1].begin - old <= same)
        keep_place(lines->now, in->at + (before->members[next++].begin - old), 0);
    in->at += before->members[next].begin - old;
    lines->next = next;
}

/* A member was read: the next one may stand where the one behind its namesake does in the line before. */
static inline void pair(pairing *lines, const unsigned char *begin, size_t name_bytes, int needed)
{
    const layout *before = lines->before;
    keep_place(lines->now, begin, needed);
    for (int at = lines->next; at < before->count && at < lines->next + MOST_MISSING; at++) {
        const unsigned char *other = before->members[at].begin;
        if (before->end - other >= (ptrdiff_t)name_bytes && !memcmp(other, begin, name_bytes)) {
            lines->next = at + 1;
            return;
        }
    }
}
