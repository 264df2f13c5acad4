/* Splits WebSocket frames and reads JSON messages of declared shapes into tables of 8-byte cells.

   Whatever is not plainly of its shape is left to the caller, message by message; nothing is guessed:
   texts with escapes or bytes beyond ASCII, members twice or missing, null, decimals of more than 18
   digits or beyond 2^53, words that are not declared, anything behind the message.

   Invariants: nothing is read outside [p, end); a cell is written only by `cell`, into a row that
   exists, at a column that `plan` has checked; recursion is as deep as the shape, or MOST_SKIPPED. */

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__ /* scripts/fuzz: while a message is read, what lies behind it is out of bounds */
#include <sanitizer/asan_interface.h>
#define GUARD(p, size) ASAN_POISON_MEMORY_REGION(p, size)
#define UNGUARD(p, size) ASAN_UNPOISON_MEMORY_REGION(p, size)
#else
#define GUARD(p, size) ((void)0)
#define UNGUARD(p, size) ((void)0)
#endif
#ifndef CORE_VERSION
#define CORE_VERSION 1 /* the caller asks for this one: see __init__.py */
#endif
#define MOST_NODES 64
#define MOST_SCOPES 4
#define MOST_COLUMNS 16
#define MOST_WORDS 8
#define MOST_SKIPPED 16        /* levels of what nobody asked for */
#define MOST_NAME 64           /* bytes of a symbol */
#define RELEASE_BYTES (1 << 16) /* from so many on, other threads run meanwhile */

enum { OBJECT, LIST, TUPLE, INT, FLOAT, TIME, ISO, UUID, NAME, WORD, BEGIN, AFTER, TOKEN, NEVER, KINDS };

typedef struct {
    int kind, required, first, count; /* children: nodes first .. first + count - 1 */
    int scope, column, spelled;       /* of a LIST: the scope of its elements; column -1: no cell */
    Py_ssize_t key_size, word_sizes[MOST_WORDS];
    const char *key, *words[MOST_WORDS];
    int word_count;
    int64_t values[MOST_WORDS], low, high; /* of a LIST or TUPLE `low`: the fewest elements */
    double lowest, highest;
} Node;

typedef struct {
    int nodes, scopes, columns[MOST_SCOPES], parent[MOST_SCOPES];
    int64_t defaults[MOST_SCOPES][MOST_COLUMNS];
    Node node[MOST_NODES];
    PyObject *spec; /* owns the texts that nodes point to */
} Plan;

typedef struct { int64_t *cells; size_t rows, room; } Scope;
typedef struct { const char *text; Py_ssize_t size; } Name;
typedef struct { Name *all; int32_t *slots; size_t count, room; } Names; /* slots: 2 * room, -1 free */

typedef struct {
    const Plan *plan;
    const char *block, *end;
    Scope *scope;
    size_t row[MOST_SCOPES]; /* the one that is being filled */
    Names *names;
    int no_memory;
} Run;

#if FLT_EVAL_METHOD != 0
#error "a division must be rounded once"
#endif
static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline int digit(const char *p, const char *end) { return p < end && (unsigned char)(*p - '0') <= 9; }

static inline const char *blank(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) p++;
    return p;
}

#define EIGHT 1, 1, 1, 1, 1, 1, 1, 1
static const unsigned char PLAIN[256] = { /* ASCII from the blank on, without " and \\ */
    [0x20] = 1, 1, 0, 1, 1, 1, 1, 1, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, 1, 1, 1, 1, 0, 1, 1, 1,
    EIGHT, EIGHT, EIGHT, EIGHT};

/* Behind the plain text that begins at p (after its quote): its closing quote, or NULL. */
static inline const char *closing(const char *p, const char *end) {
    while (p < end && PLAIN[(unsigned char)*p]) p++;
    return p < end && *p == '"' ? p : NULL;
}

/* A decimal without sign.  Where it is taken it is exact: the digits and the power of ten are exact,
   and so there is one rounding. */
static const char *decimal(const char *p, const char *end, double *out) {
    uint64_t mantissa = 0;
    int digits = 0, power = 0, exponent = 0;
    if (!digit(p, end) || (*p == '0' && digit(p + 1, end))) return NULL;
    for (; digit(p, end); p++) {
        mantissa = mantissa * 10 + (uint64_t)(*p - '0');
        if (mantissa && ++digits > 18) return NULL;
    }
    if (p < end && *p == '.') {
        if (!digit(++p, end)) return NULL;
        for (; digit(p, end); p++, power--) {
            mantissa = mantissa * 10 + (uint64_t)(*p - '0');
            if (mantissa && ++digits > 18) return NULL;
        }
    }
    if (p < end && (*p == 'e' || *p == 'E')) { /* of two digits at most */
        int sign = 1;
        p++;
        if (p < end && (*p == '-' || *p == '+')) sign = *p++ == '-' ? -1 : 1;
        if (!digit(p, end)) return NULL;
        exponent = *p++ - '0';
        if (digit(p, end)) exponent = exponent * 10 + (*p++ - '0');
        if (digit(p, end)) return NULL;
        power += sign * exponent;
    }
    for (; mantissa > (UINT64_C(1) << 53) && mantissa % 10 == 0; power++) mantissa /= 10;
    if (mantissa > (UINT64_C(1) << 53) || power < -22 || power > 22) return NULL;
    *out = power < 0 ? (double)mantissa / POWERS[-power] : (double)mantissa * POWERS[power];
    return p;
}

static const char *integer(const char *p, const char *end, int64_t *out) {
    int negative = p < end && *p == '-', digits = 0;
    uint64_t value = 0;
    p += negative;
    if (!digit(p, end) || (*p == '0' && (negative || digit(p + 1, end)))) return NULL;
    for (; digit(p, end); p++) {
        if (++digits > 19) return NULL;
        value = value * 10 + (uint64_t)(*p - '0');
    }
    if (value > INT64_MAX) return NULL;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return p;
}

/* Seconds, milli-, micro- or nanoseconds since 1970 as ns, within 2000 to 2100. */
static int unix_time(int64_t value, int64_t *out) {
    static const int64_t units[] = {1000000, 1000, 1, 1000000000};
    for (int i = 0; i < 4; i++) {
        int64_t a_second = 1000000000 / units[i];
        if (value >= 946684800 * a_second && value < INT64_C(4102444800) * a_second) {
            *out = value * units[i];
            return 1;
        }
    }
    return 0;
}

/* YYYY-MM-DDTHH:MM:SS[.f]Z with up to nine decimals, within 2000 to 2099. */
static int iso_time(const char *p, Py_ssize_t size, int64_t *out) {
    static const char form[] = "0000-00-00T00:00:00";
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (size < 20 || size > 30 || size == 21 || p[size - 1] != 'Z') return 0;
    for (int i = 0; i < 19; i++)
        if (form[i] == '0' ? (unsigned char)(p[i] - '0') > 9 : p[i] != form[i]) return 0;
#define TWO(at) ((p[at] - '0') * 10 + (p[(at) + 1] - '0'))
    int year = TWO(0) * 100 + TWO(2), month = TWO(5), day = TWO(8), hour = TWO(11), minute = TWO(14), second = TWO(17);
    if (year < 2000 || year > 2099 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return 0;
    if (day < 1 || day > days[month - 1] + (month == 2 && year % 4 == 0)) return 0;
    int64_t nanos = 0, since = 10957 + (year - 2000) * 365 + (year - 2000 + 3) / 4 + day - 1;
    for (int i = 0; i < month - 1; i++) since += days[i] + (i == 1 && year % 4 == 0);
    if (size > 20) {
        if (p[19] != '.') return 0;
        for (int i = 20; i < 29; i++) {
            char c = i < size - 1 ? p[i] : '0';
            if ((unsigned char)(c - '0') > 9) return 0;
            nanos = nanos * 10 + (c - '0');
        }
    }
    *out = (((since * 24 + hour) * 60 + minute) * 60 + second) * INT64_C(1000000000) + nanos;
    return 1;
}

static int hexadecimal(char c) {
    if ((unsigned char)(c - '0') <= 9) return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int uuid(const char *p, Py_ssize_t size, unsigned char out[16]) {
    int nibbles = 0;
    if (size != 36) return 0;
    for (int i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (p[i] != '-') return 0;
            continue;
        }
        int value = hexadecimal(p[i]);
        if (value < 0) return 0;
        out[nibbles / 2] = (unsigned char)(nibbles % 2 ? out[nibbles / 2] << 4 | value : value);
        nibbles++;
    }
    return 1;
}

/* Whether two texts of this size are the same: keys and words are short, and a call takes longer. */
static inline int same(const char *a, const char *b, size_t size) {
    while (size && *a == *b) a++, b++, size--;
    return !size;
}

/* One whole value of any kind that nobody asked for: where it ends, or NULL. */
static const char *skip(const char *p, const char *end, int depth) {
    if (p >= end || depth > MOST_SKIPPED) return NULL;
    if (*p == '"') return (p = closing(p + 1, end)) ? p + 1 : NULL;
    if (*p == '{' || *p == '[') {
        char close = *p == '{' ? '}' : ']';
        p = blank(p + 1, end);
        if (p < end && *p == close) return p + 1;
        for (;;) {
            if (close == '}') {
                if (p >= end || *p != '"' || !(p = closing(p + 1, end))) return NULL;
                p = blank(p + 1, end);
                if (p >= end || *p != ':') return NULL;
                p = blank(p + 1, end);
            }
            if (!(p = skip(p, end, depth + 1))) return NULL;
            p = blank(p, end);
            if (p >= end || (*p != close && *p != ',')) return NULL;
            if (*p == close) return p + 1;
            p = blank(p + 1, end);
        }
    }
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
        size_t size = strlen(words[i]);
        if ((size_t)(end - p) >= size && same(p, words[i], size)) return p + size;
    }
    const char *begin = p;
    p += *p == '-';
    if (!digit(p, end) || (*p == '0' && digit(p + 1, end))) return NULL;
    while (digit(p, end)) p++;
    if (p < end && *p == '.') {
        if (!digit(++p, end)) return NULL;
        while (digit(p, end)) p++;
    }
    if (p < end && (*p == 'e' || *p == 'E')) { /* small ones only: the others may be out of range */
        p++;
        p += p < end && (*p == '-' || *p == '+');
        if (!digit(p, end)) return NULL;
        p += 1 + digit(p + 1, end);
        if (digit(p, end)) return NULL;
    }
    return p - begin <= 40 ? p : NULL;
}

/* The number of a name within this call, which is given on first use; -1 without memory. */
static int64_t number_of(Names *names, const char *text, Py_ssize_t size) {
    if (names->count * 2 >= names->room) {
        size_t room = names->room ? names->room * 2 : 64;
        Name *all = realloc(names->all, room * sizeof *all);
        if (all) names->all = all;
        int32_t *slots = all ? malloc(2 * room * sizeof *slots) : NULL;
        if (!slots) return -1;
        free(names->slots);
        names->slots = slots;
        names->room = room;
        memset(slots, 0xff, 2 * room * sizeof *slots);
        size_t count = names->count;
        for (names->count = 0; names->count < count;) {
            const Name *each = &names->all[names->count];
            number_of(names, each->text, each->size);
        }
    }
    uint32_t hash = 2166136261u;
    for (Py_ssize_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)text[i]) * 16777619u;
    for (size_t at = hash;; at++) {
        int32_t *slot = &names->slots[at & (2 * names->room - 1)];
        if (*slot < 0) {
            names->all[names->count] = (Name){text, size};
            return *slot = (int32_t)names->count++;
        }
        const Name *held = &names->all[*slot];
        if (held->size == size && same(held->text, text, (size_t)size)) return *slot;
    }
}

/* Begin a row of a scope, with what stands for members that are not sent; 0 without memory. */
static int begin_row(Run *run, int scope, size_t of) {
    Scope *into = &run->scope[scope];
    size_t columns = (size_t)run->plan->columns[scope];
    if (into->rows == into->room) {
        size_t room = into->room ? into->room * 2 : 64;
        int64_t *cells = realloc(into->cells, room * columns * sizeof *cells);
        if (!cells) return !(run->no_memory = 1);
        into->cells = cells;
        into->room = room;
    }
    int64_t *row = into->cells + into->rows * columns;
    memcpy(row, run->plan->defaults[scope], columns * sizeof *row);
    row[0] = (int64_t)of;
    run->row[scope] = into->rows++;
    return 1;
}

/* Put a value into the row that is being filled; `place` tells apart the cells of one member. */
static inline void cell(Run *run, const Node *node, int place, const void *from) {
    if (node->column < 0) return;
    size_t at = run->row[node->scope] * (size_t)run->plan->columns[node->scope];
    memcpy(run->scope[node->scope].cells + at + (size_t)(node->column + place), from, sizeof(int64_t));
}

static const char *value(Run *run, const Node *node, const char *p, const char *end);

/* The members of an object.  Lists that come before one that is declared before them wait for it. */
static const char *object(Run *run, const Node *node, const char *p, const char *end) {
    const Node *members = run->plan->node + node->first;
    const char *waiting[MOST_NODES];
    uint64_t got = 0, waits = 0;
    int guess = 0;
    p = blank(p + 1, end);
    if (p >= end || *p != '"') return NULL;
    for (;;) {
        if (p >= end || *p != '"' || !node->count) return NULL;
        const char *key = p + 1;
        const Node *found = &members[guess]; /* as most venues keep to an order */
        int at = guess;
        if (end - key > found->key_size && key[found->key_size] == '"' && same(key, found->key, (size_t)found->key_size))
            p = key + found->key_size;
        else {
            if (!(p = closing(key, end))) return NULL;
            for (found = NULL, at = 0; at < node->count && !found; at++)
                if (members[at].key_size == p - key && same(members[at].key, key, (size_t)(p - key)))
                    found = &members[at];
            at--;
        }
        p = blank(p + 1, end);
        if (p >= end || *p != ':') return NULL;
        p = blank(p + 1, end);
        if (found) {
            uint64_t bit = UINT64_C(1) << at, before = 0;
            if (got & bit) return NULL;
            got |= bit;
            guess = at + 1 < node->count ? at + 1 : 0;
            if (found->kind == LIST)
                for (int i = 0; i < at; i++) before |= (uint64_t)(members[i].kind == LIST) << i;
            if (before & (~got | waits)) {
                waits |= bit;
                waiting[at] = p;
                found = NULL;
            }
        }
        if (!(p = found ? value(run, found, p, end) : skip(p, end, 0))) return NULL;
        p = blank(p, end);
        if (p >= end || (*p != '}' && *p != ',')) return NULL;
        if (*p == '}') break;
        p = blank(p + 1, end);
    }
    for (int i = 0; i < node->count; i++) {
        if (waits >> i & 1 && !value(run, &members[i], waiting[i], end)) return NULL;
        if (members[i].required && !(got >> i & 1)) return NULL;
    }
    return p + 1;
}

/* The elements of a list: each a row (LIST), or each by its place and any others behind (TUPLE). */
static const char *elements(Run *run, const Node *node, const char *p, const char *end) {
    const Node *element = run->plan->node + node->first;
    int64_t count = 0;
    p = blank(p + 1, end);
    if (p >= end) return NULL;
    if (*p == ']') return node->low == 0 ? p + 1 : NULL;
    for (;; count++) {
        if (node->kind == LIST) {
            if (!begin_row(run, node->scope, run->row[run->plan->parent[node->scope]])) return NULL;
            cell(run, node, 0, &node->high); /* what tells the rows of several lists apart */
            p = value(run, element, p, end);
        } else
            p = count < node->count ? value(run, element + count, p, end) : skip(p, end, 0);
        if (!p) return NULL;
        p = blank(p, end);
        if (p >= end || (*p != ']' && *p != ',')) return NULL;
        if (*p == ']') return count + 1 >= node->low ? p + 1 : NULL;
        p = blank(p + 1, end);
    }
}

/* Whether a text is this word, begins with it (BEGIN), or ends with it from its first @ on (AFTER). */
static int is_word(const Node *node, int number, const char *text, Py_ssize_t size) {
    Py_ssize_t length = node->word_sizes[number];
    if (node->kind == AFTER) {
        const char *at = memchr(text, '@', (size_t)size);
        if (!at) return 0;
        size -= at - text;
        text = at;
    }
    return (node->kind == BEGIN ? size >= length : size == length) &&
           same(text, node->words[number], (size_t)length);
}

/* A plain text: a symbol, a time, one of some words. */
static int text_value(Run *run, const Node *node, const char *text, Py_ssize_t size) {
    int64_t number = -1;
    unsigned char bytes[16];
    switch (node->kind) {
    case NAME:
        if (size < 1 || size > MOST_NAME) return 0;
        number = number_of(run->names, text, size);
        if (number < 0) return !(run->no_memory = 1);
        break;
    case ISO:
        if (!iso_time(text, size, &number)) return 0;
        break;
    case UUID:
        if (!uuid(text, size, bytes)) return 0;
        cell(run, node, 0, bytes);
        if (node->column >= 0) cell(run, node, 1, bytes + 8);
        return 1;
    default:
        for (int i = 0; i < node->word_count; i++)
            if (is_word(node, i, text, size)) {
                cell(run, node, 0, &node->values[i]);
                return 1;
            }
        return 0;
    }
    cell(run, node, 0, &number);
    return 1;
}

/* A number, bare or as a text. */
static const char *number_value(Run *run, const Node *node, const char *p, const char *end) {
    const char *begin = p;
    int64_t whole = 0;
    double real = 0;
    if (node->kind == FLOAT) {
        p = decimal(p, end, &real);
        if (!p || !(real >= node->lowest && real < node->highest)) return NULL;
        cell(run, node, 0, &real);
        whole = (int64_t)(begin - run->block) << 8 | (p - begin); /* at most 18 digits and zeros */
        if (p - begin > 255) return NULL;
        if (node->spelled) cell(run, node, 1, &whole);
        return p;
    }
    p = integer(p, end, &whole);
    if (!p) return NULL;
    if (node->kind == TIME ? !unix_time(whole, &whole) : whole < node->low || whole > node->high) return NULL;
    cell(run, node, 0, &whole);
    return p;
}

/* The value of a member or an element that is declared: where it ends, or NULL. */
static const char *value(Run *run, const Node *node, const char *p, const char *end) {
    if (p >= end) return NULL;
    switch (node->kind) {
    case OBJECT:
        return *p == '{' ? object(run, node, p, end) : NULL;
    case LIST:
    case TUPLE:
        return *p == '[' ? elements(run, node, p, end) : NULL;
    case NEVER:
        return NULL;
    case TOKEN:
        for (int i = 0; i < node->word_count; i++)
            if (end - p >= node->word_sizes[i] && same(p, node->words[i], (size_t)node->word_sizes[i])) {
                cell(run, node, 0, &node->values[i]);
                return p + node->word_sizes[i];
            }
        return NULL;
    case INT:
    case TIME:
    case FLOAT:
        if (*p != '"') return number_value(run, node, p, end);
        p = number_value(run, node, p + 1, end);
        return p && p < end && *p == '"' ? p + 1 : NULL;
    default: {
        const char *text = p + 1, *quote = *p == '"' ? closing(text, end) : NULL;
        return quote && text_value(run, node, text, quote - text) ? quote + 1 : NULL;
    }
    }
}

/* One message by one plan: whether it is of this shape.  If not, no row of it stays. */
static int message(Run *run, size_t frame, const char *p, const char *end) {
    size_t before[MOST_SCOPES];
    for (int i = 0; i < run->plan->scopes; i++) before[i] = run->scope[i].rows;
    GUARD(end, (size_t)(run->end - end < 64 ? run->end - end : 64));
    int good = begin_row(run, 0, frame) && (p = value(run, run->plan->node, blank(p, end), end)) && blank(p, end) == end;
    UNGUARD(end, (size_t)(run->end - end < 64 ? run->end - end : 64));
    if (good) return 1;
    for (int i = 0; i < run->plan->scopes; i++) run->scope[i].rows = before[i];
    return 0;
}

/* ---- what Python sees ------------------------------------------------------------------------ */

static const char PLAN[] = "_tick_logger_core.plan";

static void forget_plan(PyObject *capsule) {
    Plan *plan = PyCapsule_GetPointer(capsule, PLAN);
    Py_DECREF(plan->spec);
    free(plan);
}

static int read_node(Node *node, PyObject *spec) {
    PyObject *words;
    if (!PyArg_ParseTuple(spec, "iy#iiiiiiLLddO!", &node->kind, &node->key, &node->key_size, &node->required,
                          &node->first, &node->count, &node->scope, &node->column, &node->spelled, &node->low,
                          &node->high, &node->lowest, &node->highest, &PyTuple_Type, &words))
        return 0;
    node->word_count = PyTuple_Size(words) <= MOST_WORDS ? (int)PyTuple_Size(words) : MOST_WORDS + 1;
    for (int i = 0; i < node->word_count && i < MOST_WORDS; i++)
        if (!PyArg_ParseTuple(PyTuple_GetItem(words, i), "y#L", &node->words[i], &node->word_sizes[i], &node->values[i]))
            return 0;
    return 1;
}

/* Whether a node and those below it can do no harm: `open` are the scopes that have a row there. */
static int is_sound(const Plan *plan, int at, int open) {
    const Node *node = &plan->node[at];
    if (node->kind < 0 || node->kind >= KINDS || node->word_count > MOST_WORDS) return 0;
    if (node->scope < 0 || node->scope >= plan->scopes) return 0;
    int cells = node->column < 0 ? 0 : node->kind == UUID || node->spelled ? 2 : 1;
    if (cells && (node->column < 1 || node->column > plan->columns[node->scope] - cells)) return 0;
    if (node->kind > TUPLE) return open >> node->scope & 1;
    if (node->first <= at || node->count < 0 || node->first > plan->nodes || node->count > plan->nodes - node->first) return 0;
    if (node->kind == LIST) {
        if (node->count != 1 || !node->scope || !(open >> plan->parent[node->scope] & 1)) return 0;
        open |= 1 << node->scope;
    }
    for (int i = 0; i < node->count; i++)
        if (!is_sound(plan, node->first + i, open)) return 0;
    return 1;
}

/* plan(((defaults, parent), ...), (node, ...)): a shape, as `scan` takes it.  ValueError if it is none. */
static PyObject *make_plan(PyObject *self, PyObject *spec) {
    PyObject *scopes, *nodes, *defaults;
    (void)self;
    if (!PyArg_ParseTuple(spec, "O!O!", &PyTuple_Type, &scopes, &PyTuple_Type, &nodes)) return NULL;
    Plan *plan = calloc(1, sizeof *plan);
    if (!plan) return PyErr_NoMemory();
    int good = PyTuple_Size(scopes) > 0 && PyTuple_Size(scopes) <= MOST_SCOPES && PyTuple_Size(nodes) > 0 &&
               PyTuple_Size(nodes) <= MOST_NODES;
    plan->scopes = good ? (int)PyTuple_Size(scopes) : 0;
    plan->nodes = good ? (int)PyTuple_Size(nodes) : 0;
    for (int i = 0; good && i < plan->scopes; i++) {
        good = PyArg_ParseTuple(PyTuple_GetItem(scopes, i), "O!i", &PyTuple_Type, &defaults, &plan->parent[i]) &&
               PyTuple_Size(defaults) > 0 && PyTuple_Size(defaults) <= MOST_COLUMNS && plan->parent[i] >= 0 &&
               plan->parent[i] < (i ? i : 1);
        for (int k = 0; good && k < PyTuple_Size(defaults); k++)
            plan->defaults[i][plan->columns[i]++] = PyLong_AsLongLong(PyTuple_GetItem(defaults, k));
        good = good && !PyErr_Occurred();
    }
    for (int i = 0; good && i < plan->nodes; i++) good = read_node(&plan->node[i], PyTuple_GetItem(nodes, i));
    good = good && plan->node[0].kind == OBJECT && is_sound(plan, 0, 1);
    PyObject *capsule = good ? PyCapsule_New(plan, PLAN, forget_plan) : NULL;
    if (!capsule) {
        free(plan);
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "no sound shape");
        return NULL;
    }
    Py_INCREF(spec);
    plan->spec = spec;
    return capsule;
}

/* Everything but Python's objects: which plan took each message (-1: none), and the rows. */
static int run_all(Run *runs, int count, const char *block, const uint32_t *lengths, const char *left, size_t frames,
                   int8_t *taken) {
    int newest = 0;
    const char *p = block;
    for (size_t frame = 0; frame < frames; p += lengths[frame++]) {
        taken[frame] = -1;
        for (int tried = 0, at = newest; tried < count && !(left && left[frame]); tried++, at = (at + 1) % count) {
            if (message(&runs[at], frame, p, p + lengths[frame])) {
                taken[frame] = (int8_t)(newest = at);
                break;
            }
            if (runs[at].no_memory) return 0;
        }
    }
    return 1;
}

static PyObject *found(Run *runs, int count, const Names *names, const int8_t *taken, size_t frames) {
    PyObject *tables = PyTuple_New(count), *texts = PyTuple_New((Py_ssize_t)names->count), *each;
    for (int i = 0; tables && i < count; i++) {
        PyObject *of_plan = PyTuple_New(runs[i].plan->scopes);
        for (int k = 0; of_plan && k < runs[i].plan->scopes; k++) {
            const Scope *scope = &runs[i].scope[k];
            size_t bytes = scope->rows * (size_t)runs[i].plan->columns[k] * sizeof *scope->cells;
            if (!(each = PyBytes_FromStringAndSize((const char *)scope->cells, (Py_ssize_t)bytes))) Py_CLEAR(of_plan);
            else PyTuple_SetItem(of_plan, k, each);
        }
        if (!of_plan) Py_CLEAR(tables);
        else PyTuple_SetItem(tables, i, of_plan);
    }
    for (size_t i = 0; texts && i < names->count; i++)
        if (!(each = PyUnicode_FromStringAndSize(names->all[i].text, names->all[i].size))) Py_CLEAR(texts);
        else PyTuple_SetItem(texts, (Py_ssize_t)i, each);
    if (tables && texts) return Py_BuildValue("(y#NN)", (const char *)taken, (Py_ssize_t)frames, texts, tables);
    Py_XDECREF(tables);
    Py_XDECREF(texts);
    return NULL;
}

/* scan(plans, block, packed lengths, left or None): which plan took each message, as int8, -1 for those
   that none did; the names in the order of their numbers; and of each plan the rows of each scope, as
   int64 cells one behind another, of which the first is the row that it belongs to, or the message. */
static PyObject *scan(PyObject *self, PyObject *args) {
    PyObject *plans, *result = NULL;
    const char *block, *packed, *left;
    Py_ssize_t size, packed_size, left_size, total = 0;
    Names names = {0};
    (void)self;
    if (!PyArg_ParseTuple(args, "O!y#y#z#", &PyTuple_Type, &plans, &block, &size, &packed, &packed_size, &left, &left_size))
        return NULL;
    size_t frames = (size_t)packed_size / 4;
    int count = PyTuple_Size(plans) <= 100 ? (int)PyTuple_Size(plans) : 0, good = count > 0 && packed_size % 4 == 0;
    uint32_t *lengths = malloc(frames * 4 + 4);
    int8_t *taken = malloc(frames + 1);
    Run *runs = calloc((size_t)count + 1, sizeof *runs);
    Scope *scopes = calloc((size_t)count + 1, MOST_SCOPES * sizeof *scopes);
    if (!lengths || !taken || !runs || !scopes) {
        PyErr_NoMemory();
        goto end;
    }
    memcpy(lengths, packed, frames * 4); /* for its alignment */
    for (size_t i = 0; i < frames && total <= size; i++) total += lengths[i];
    if (!good || total != size || (left && (size_t)left_size != frames)) {
        PyErr_SetString(PyExc_ValueError, "lengths that do not cut the block");
        goto end;
    }
    for (int i = 0; i < count; i++) {
        runs[i].plan = PyCapsule_GetPointer(PyTuple_GetItem(plans, i), PLAN);
        if (!runs[i].plan) goto end;
        runs[i].block = block;
        runs[i].end = block + size;
        runs[i].scope = scopes + i * MOST_SCOPES;
        runs[i].names = &names;
    }
    if (size < RELEASE_BYTES) good = run_all(runs, count, block, lengths, left, frames, taken);
    else {
        Py_BEGIN_ALLOW_THREADS
        good = run_all(runs, count, block, lengths, left, frames, taken);
        Py_END_ALLOW_THREADS
    }
    result = good ? found(runs, count, &names, taken, frames) : PyErr_NoMemory();
end:
    for (int i = 0; scopes && i < count * MOST_SCOPES; i++) free(scopes[i].cells);
    free(names.all);
    free(names.slots);
    free(scopes);
    free(runs);
    free(taken);
    free(lengths);
    return result;
}

/* split(data, begin, limit): the messages of whole, unfragmented frames below 64 KiB from there on, one
   behind another; the length of each; and where it stopped, at a frame of any other kind. */
static PyObject *split(PyObject *self, PyObject *args) {
    const unsigned char *data;
    Py_ssize_t begin, end, limit, size, position = 0;
    size_t count = 0, total = 0;
    (void)self;
    if (!PyArg_ParseTuple(args, "y#nn", &data, &end, &begin, &limit)) return NULL;
    if (begin < 0 || begin > end) begin = end;
    PyObject *block = NULL, *packed = NULL;
    char *into = NULL, *lengths = NULL;
    for (int pass = 0; pass < 2; pass++) { /* count, then copy */
        for (position = begin; end - position >= 4; position += size) {
            const unsigned char *p = data + position;
            if ((p[0] != 0x81 && p[0] != 0x82) || p[1] > 126) break;
            uint32_t length = p[1] < 126 ? p[1] : (uint32_t)(p[2] << 8 | p[3]);
            int header = p[1] < 126 ? 2 : 4;
            size = header + (Py_ssize_t)length;
            if ((header == 4 && length < 126) || size > end - position || (Py_ssize_t)length > limit) break;
            if (pass) {
                memcpy(into, p + header, length);
                memcpy(lengths, &length, 4);
                into += length;
                lengths += 4;
            } else {
                total += length;
                count++;
            }
        }
        if (pass) break;
        block = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)total);
        packed = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)count * 4);
        if (!block || !packed) {
            Py_XDECREF(block);
            Py_XDECREF(packed);
            return NULL;
        }
        into = PyBytes_AsString(block);
        lengths = PyBytes_AsString(packed);
    }
    return Py_BuildValue("(NNn)", block, packed, position);
}

static PyMethodDef methods[] = {
    {"plan", make_plan, METH_VARARGS, NULL}, {"scan", scan, METH_VARARGS, NULL}, {"split", split, METH_VARARGS, NULL}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_tick_logger_core", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__tick_logger_core(void) {
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddIntConstant(made, "VERSION", CORE_VERSION)) Py_CLEAR(made);
    return made;
}
