/* The statistics of actdiag/stats/units.py, regions.py and quantiles.py in one walk over a tensor.

   Plain C over a raw pointer and steps: no headers of torch or Python. The same kernels are built
   for several sets of registers, and the widest that this machine has is chosen when it loads. */

#include <float.h>
#include <stddef.h>

#include "view.h"
#include "numbers.h"

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
#define INLINE static inline __attribute__((always_inline))
#define I__(isa, name) name##_##isa
#define I_(isa, name) I__(isa, name)
#define I(name) I_(ISA, name)

#define INTERFACE 5    /* as in library.py */
#define FARTHEST 1e4   /* as in clean.py */
#define TOGETHER 16    /* samples read side by side where rows are short */
#define CHUNK 512      /* units whose sums stay in the nearest cache */

#include "tally.h"

enum { FINE, SPOILED_SUMS, NEGATIVE, FAR };
enum { SIGNED = 1, RECTIFIED }; /* see moments.inc */

/* What the tables tell of the values so far, so that a walk need not be made twice: whether to look
   for negative values, and whether a mean was far from zero (FARTHEST of clean.py). They may be
   wrong of the next tensor; the walk tells. */
enum { UNKNOWN = 0, KNOWN = 1, HAS_NEGATIVE = 2, HAS_FAR = 4 };

typedef struct {
    void (*walk[4])(const View *, const void *, Part *, const Regions *, int, int);
    double (*region_walk[4])(const View *, const void *, Part *, const Regions *);
    int (*verdict[2])(const View *, Part *, int);
    void (*rectify[2])(const View *, Part *);
    void (*join[2])(const View *, Part *, const Part *, int64_t, int, int);
    int64_t (*settle[2])(const View *, const Part *, double *, double *, int);
    void (*settle_regions[2])(const View *, const Part *, double *);
    void (*settle_above_zero[2])(const View *, const Part *, double *, int);
} Kernels;

#define ISA plain
#include "lanes_plain.h"
#include "instance.inc"

#if defined(__x86_64__)
#include <immintrin.h>
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif
#define ISA avx2
#include "lanes_avx2.h"
#include "instance.inc"
#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,f16c")
#endif
#define ISA avx512
#include "lanes_avx512.h"
#include "instance.inc"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#include "careful.h"
#include "picks.h"

static const Kernels *kernels = &kernels_plain;
typedef void (*Parallel)(void (*)(void *), void *, unsigned, unsigned);
static Parallel in_parallel = NULL;

EXPORT int64_t actdiag_interface(void) { return INTERFACE; }

/* Use the threads of this GOMP_parallel() from now on. */
EXPORT void actdiag_pool(void *gomp_parallel) { in_parallel = (Parallel)gomp_parallel; }

/* Take the widest registers, but none wider than asked for: 0 plain, 1 AVX2, 2 AVX-512. Gives what
   was taken. */
EXPORT int64_t actdiag_widest(int64_t most) {
    kernels = &kernels_plain;
#if defined(__x86_64__)
    __builtin_cpu_init();
    const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                     __builtin_cpu_supports("f16c");
    const int avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl");
    if (most >= 2 && avx512) return kernels = &kernels_avx512, 2;
    if (most >= 1 && avx2) return kernels = &kernels_avx2, 1;
#endif
    return 0;
}

/* A part for so many units, all in one piece of memory; null where there is none. */
static double *new_part(Part *part, int64_t units) {
    const int64_t size = padded(units);
    double *memory = malloc((size_t)size * 18 * sizeof(double));
    if (!memory) return NULL;
    double **vectors[] = {&part->shift,  &part->sum,   &part->squares, &part->absolute,
                          &part->one,    &part->pivot, &part->means,   &part->spread,
                          &part->count,  &part->seen,  &part->values,  (double **)&part->low,
                          (double **)&part->high, (double **)&part->zeros,
                          (double **)&part->positive, (double **)&part->below,
                          (double **)&part->above, (double **)&part->linear};
    for (int k = 0; k < 18; k++) *vectors[k] = memory + k * size;
    part->rectified = NULL;
    part->soon = NULL;
    part->nan = 0;
    return memory;
}

/* Rows of which so many bytes for each unit are used. */
static void clear_rows(void *const *rows, int many, const View *v, int64_t bytes) {
    for (int k = 0; k < many; k++) memset(rows[k], 0, whole_registers(v->units) * bytes);
}

static void clear_extremes(Part *part, const View *v, int wide) {
    for (int64_t u = 0; u < whole_registers(v->units); u++) {
        if (wide) ((double *)part->low)[u] = INFINITY, ((double *)part->high)[u] = -INFINITY;
        else ((float *)part->low)[u] = INFINITY, ((float *)part->high)[u] = -INFINITY;
    }
}

/* Everything but the shift and the places as before a walk; `careful` clears what only NaN and Inf
   need. */
static void clear(Part *part, const View *v, int wide, int careful) {
    void *const sums[] = {part->sum, part->squares, part->absolute};
    void *const of_samples[] = {part->one, part->pivot, part->means, part->spread};
    void *const of_values[] = {part->count, part->seen, part->values};
    void *const counts[] = {part->zeros, part->positive};
    clear_rows(sums, 3, v, 8);
    if (v->spans || careful) clear_rows(of_samples, 4, v, 8);
    if (careful) clear_rows(of_values, 3, v, 8);
    clear_rows(counts, 2, v, wide ? 8 : 4);
    clear_extremes(part, v, wide);
    if (!part->rectified) return;
    const Part *up = part->rectified;
    void *const more[] = {up->sum, up->squares, up->one, up->pivot, up->means, up->spread};
    clear_rows(more, v->spans ? 6 : 2, v, 8);
}

static void clear_places(Part *part, const View *v, int wide) {
    void *const counts[] = {part->below, part->above, part->linear};
    clear_rows(counts, 3, v, wide ? 8 : 4);
}

/* What is made of the values beside the walk: counts of picks, unless `buckets` is null, and rows of
   some samples, unless `rows` is. Samples are numbered from `first` on, or as `numbers` says. */
typedef struct {
    const View *view;
    const void *data;
    int32_t *buckets;
    int64_t first;
    const int64_t *numbers;
    const int64_t *samples, *slots; /* of rows, see copy_rows() */
    int64_t many;
    void *rows;
    int64_t next; /* errand that nobody has begun */
} Errands;

/* Run what nobody has begun. */
static void run_errands(Errands *all) {
    for (;;) {
        switch (__atomic_fetch_add(&all->next, 1, __ATOMIC_RELAXED)) {
        case 0:
            if (all->buckets) count_picks(all->view, all->data, all->buckets, all->first, all->numbers);
            break;
        case 1:
            if (all->rows)
                copy_rows(all->view, all->data, all->samples, all->slots, all->many, all->rows);
            break;
        default: return;
        }
    }
}

#include "spread.h"

/* Looks for it in a table. */
static int64_t look_into(const double *table, int64_t units) {
    int far = 0, negative = 0;
    for (int64_t u = 0; u < units; u++) {
        const double count = table[COUNT * units + u], mean = table[MEAN * units + u];
        const double low = table[LOW * units + u], high = table[HIGH * units + u];
        far |= (count * mean * mean > FARTHEST * table[SQUARES * units + u]) & (low < high);
        negative |= (count == 0) | (low < 0);
    }
    return KNOWN | (negative ? HAS_NEGATIVE : 0) | (far ? HAS_FAR : 0);
}

/* What ReLU makes of a tensor, found out in the walk over that: kept until it is known that ReLU was
   called with it. The rows of the part follow, KEPT_ROWS of at most units + WIDEST_LANES numbers. */
typedef struct {
    int64_t holds, dtype, units, samples, positions, spans, unused[2];
} Kept;
#define KEPT_ROWS 10

static Part part_kept(Kept *kept, int64_t units) {
    Part part = {0};
    double *memory = (double *)(kept + 1);
    double **vectors[KEPT_ROWS] = {&part.shift, &part.sum,   &part.squares, &part.one,
                                   &part.pivot, &part.means, &part.spread,  (double **)&part.low,
                                   (double **)&part.high, (double **)&part.zeros};
    for (int k = 0; k < KEPT_ROWS; k++) *vectors[k] = memory + k * padded(units);
    return part;
}

static void keep(Kept *kept, const View *v, const Part *part) {
    *kept = (Kept){1, v->dtype, v->units, v->samples, v->positions, v->spans, {0}};
    memset(part->shift, 0, v->units * sizeof(double));
}

/* Merge what was kept of the tensor of which this one is the ReLU; gives whether that was possible. */
static int take_kept(Kept *kept, const View *v, double *table, double *samples, int64_t *known) {
    const int wide = v->dtype == FLOAT64, holds = kept->holds != 0;
    kept->holds = 0;
    if (!holds || kept->dtype != v->dtype || kept->units != v->units || kept->spans != v->spans ||
        kept->samples != v->samples || kept->positions != v->positions)
        return 0;
    Part part = part_kept(kept, v->units);
    if (kernels->verdict[wide](v, &part, 0) != FINE) return 0;
    *known = kernels->settle[wide](v, &part, table, samples, 0);
    return 1;
}

/* Where what is measured of a tensor goes. `regions` are the thresholds of the function that reads it
   next, or null; `places` becomes the table of where the values lie with respect to them. `known` is
   what look_into() would tell, and becomes what it would tell then. Where the function is ReLU, what
   it makes of the values goes to `kept`, unless null. */
typedef struct {
    const View *view;
    double *table, *samples; /* of values, and unless null of the means of samples */
    const Regions *regions;
    double *places;
    int64_t *known;
    Kept *kept;
    Part part, rectified;
    int only_zero; /* the function has no threshold but zero */
    int sign, placed, verdict;
} Measure;

/* From what the walk collected to the tables. */
static void settle(Measure *to) {
    const View *v = to->view;
    const int wide = v->dtype == FLOAT64;
    if (to->places) blank_places(v, to->places);
    if (to->part.rectified) kernels->rectify[wide](v, &to->part);
    if (to->part.rectified) keep(to->kept, v, &to->rectified);
    *to->known = kernels->settle[wide](v, &to->part, to->table, to->samples, to->sign);
    if (to->placed) kernels->settle_regions[wide](v, &to->part, to->places);
    if (to->only_zero) kernels->settle_above_zero[wide](v, &to->part, to->places, to->sign);
}

static void judge(void *given) {
    Measure *to = given;
    to->verdict = kernels->verdict[to->view->dtype == FLOAT64](to->view, &to->part, to->sign);
    if (to->verdict == FINE) settle(to);
}

/* The same for values of which some are NaN or Inf. */
static void settle_carefully(Measure *to, const void *data) {
    const View *v = to->view;
    Part *part = &to->part;
    part->rectified = NULL;
    *to->known = UNKNOWN;
    memset(part->shift, 0, v->units * sizeof(double));
    clear(part, v, 1, 1);
    careful_walk(v, data, part);
    if (careful_far(v, part)) {
        part->nan = 0;
        clear(part, v, 1, 1);
        careful_walk(v, data, part);
    }
    merge_float64_plain(v, part, to->table, 1, 1);
    if (to->samples) merge_samples_float64_plain(v, part, to->samples, 1);
    if (to->places) blank_places(v, to->places);
}

/* Measure a tensor, and have the errands run. The walk fetches what is listed, unless null. Gives the
   number of NaN, or -1 if there was no memory; then nothing has changed. */
static int64_t measure(Measure *to, const void *data, int64_t threads, Errands *errands,
                       Fetched *fetched) {
    const View *v = to->view;
    const Regions *regions = to->regions;
    Part *part = &to->part;
    if (to->kept) to->kept->holds = 0;
    double *memory = new_part(part, v->units);
    if (!memory) return -1;
    if (*to->known == UNKNOWN) *to->known = look_into(to->table, v->units);
    int shifts = (*to->known & HAS_FAR) != 0;
    if (shifts) memcpy(part->shift, to->table + MEAN * v->units, v->units * sizeof(double));
    else memset(part->shift, 0, v->units * sizeof(double));
    to->sign = (*to->known & HAS_NEGATIVE) != 0;
    to->only_zero = regions && isnan(regions->below) && isnan(regions->above) &&
                    regions->first == 0 && regions->last == INFINITY;
    if (to->kept && to->only_zero)
        to->rectified = part_kept(to->kept, v->units), part->rectified = &to->rectified;
    for (int tries = 0; tries < 3; tries++) {
        if (shifts) part->rectified = NULL;
        to->sign = shifts ? SIGNED : part->rectified ? RECTIFIED : to->sign;
        to->placed = regions && to->sign && !shifts && !to->only_zero;
        Walk walk = {.view = v, .data = data, .part = part, .sign = to->sign, .shifts = shifts,
                     .regions = to->placed ? regions : NULL, .then = judge, .given = to,
                     .errands = errands, .fetched = tries ? NULL : fetched};
        walk_all(&walk, threads);
        if (to->verdict == FINE || to->verdict == SPOILED_SUMS) break;
        if (to->verdict == NEGATIVE) to->sign = SIGNED;
        shifts |= to->verdict == FAR;
    }
    if (to->verdict == SPOILED_SUMS) settle_carefully(to, data);
    else if (to->verdict != FINE) settle(to);
    const int counted = to->verdict != SPOILED_SUMS && (to->placed || to->only_zero);
    if (regions && !counted) count_places(v, data, part, to->places, regions, threads);
    free(memory);
    return part->nan;
}

/* measure() of a table of which nothing is known. */
EXPORT int64_t actdiag_measure(const View *v, const void *data, int64_t threads, double *table,
                               double *samples, int32_t *buckets, int64_t first,
                               const int64_t *numbers, const Regions *regions, double *places) {
    int64_t known = UNKNOWN;
    Measure to = {.view = v, .table = table, .samples = samples, .regions = regions,
                  .places = places, .known = &known};
    Errands errands = {.view = v, .data = data, .buckets = buckets, .first = first,
                       .numbers = numbers};
    return measure(&to, data, threads, &errands, NULL);
}

/* Count where the values lie with respect to a function; 0, or -1 if there was no memory. */
EXPORT int64_t actdiag_regions(const View *v, const void *data, int64_t threads, double *table,
                               const Regions *regions) {
    Part part;
    double *memory = new_part(&part, v->units);
    if (!memory) return -1;
    count_places(v, data, &part, table, regions, threads);
    free(memory);
    return 0;
}

/* Merge a table of places, as actdiag_measure() made it, into another. */
static void join(const double *places, double *table, int64_t units) {
    for (int64_t k = 0; k < LEAST * units; k++) table[k] += places[k];
    for (int64_t k = LEAST * units; k < MOST * units; k++)
        table[k] = places[k] < table[k] ? places[k] : table[k];
    for (int64_t k = MOST * units; k < (MOST + 1) * units; k++)
        table[k] = places[k] > table[k] ? places[k] : table[k];
}

/* The finite picks and how many values each stands for; gives how many there are. */
EXPORT int64_t actdiag_gather(const View *v, const void *data, double *values, double *weights,
                              int64_t first, const int64_t *numbers) {
    return gather_picks(v, data, values, weights, first, numbers);
}

/* Rows of units, see copy_rows(). */
EXPORT void actdiag_rows(const View *v, const void *data, const int64_t *samples,
                         const int64_t *slots, int64_t many, void *out) {
    copy_rows(v, data, samples, slots, many, out);
}

EXPORT void actdiag_join(const double *places, double *table, int64_t units) {
    join(places, table, units);
}

/* What all sites of a batch share; field by field the Batch of native.py. The samples whose rows are
   kept, by their places and the slots for them: of sites with one position, and of others. */
typedef struct {
    int64_t threads, first, many[2];
    const int64_t *places[2], *slots[2];
} Batch;

/* Where the next output of a site goes; field by field the Output of native.py. */
typedef struct {
    const View *view;
    double *table, *samples;
    int32_t *buckets;
    const Regions *regions; /* of the function that reads it next */
    double *places;
    void *rows;     /* the slots for rows; null where none are kept */
    int64_t known;  /* of the table, by measure() */
    Kept *kept;     /* of what ReLU makes of it, where that reads it next */
    Kept *given;    /* of the tensor of which it may be the ReLU */
} Output;
enum { COUNT_AHEAD = 1, IS_RELU = 2 };

static void put_soon(Soon *list, int *many, const void *from, int64_t bytes) {
    if (from && bytes > 0 && *many < MOST_SOON - 1)
        list[(*many)++] = (Soon){from, (const char *)from + bytes};
}

/* What is read or written of a site after the walk: between two layers everything has left the
   nearer caches. */
static void list_fetched(Fetched *lists, const Output *site, const Errands *errands) {
    const View *v = site->view;
    const int64_t row = v->units * v->rows * (v->dtype == FLOAT64 ? 8 : 4);
    int many = 0;
    for (int64_t k = 0; errands->rows && k < errands->many; k++)
        put_soon(lists->errands, &many, (char *)site->rows + errands->slots[k] * row, row);
    if (site->buckets) put_soon(lists->errands, &many, v->offsets, v->picks * 8);
    lists->errands[many] = (Soon){NULL, NULL};
    many = 0;
    put_soon(lists->then, &many, site->table, (HIGH + 1) * v->units * 8);
    put_soon(lists->then, &many, site->samples, 4 * v->units * 8);
    lists->then[many] = (Soon){NULL, NULL};
}

/* As actdiag_measure(), with what is kept of the rows. Samples are numbered from `first` on; `how`
   tells whether to count for the function that comes next, and whether the tensor is certain to be
   what ReLU made of the one that something is given of. */
EXPORT int64_t actdiag_output(Output *site, const void *data, const Batch *batch, int64_t first,
                              int64_t how) {
    const View *v = site->view;
    const int ahead = (how & COUNT_AHEAD) != 0, several = v->rows != 1;
    Errands errands = {.view = v, .data = data, .buckets = site->buckets, .first = first,
                       .samples = batch->places[several], .slots = batch->slots[several],
                       .many = batch->many[several], .rows = site->rows};
    if (!ahead && how & IS_RELU && site->given &&
        take_kept(site->given, v, site->table, site->samples, &site->known)) {
        run_errands(&errands);
        return 0;
    }
    Fetched fetched;
    list_fetched(&fetched, site, &errands);
    Measure to = {.view = v, .table = site->table, .samples = site->samples,
                  .regions = ahead ? site->regions : NULL, .places = ahead ? site->places : NULL,
                  .known = &site->known, .kept = ahead ? site->kept : NULL};
    return measure(&to, data, batch->threads, &errands, &fetched);
}

/* Where the next input of a function goes; field by field the Input of native.py. */
typedef struct {
    const View *view;
    double *table;
    const Regions *regions;
    const double *places;    /* where actdiag_output() counted ahead */
    double *values, *weights; /* of the picks that wait; null where there are none */
    int64_t room;
} Input;

/* Count by the thresholds of a function, unless that was done ahead, and gather picks beside the
   `waiting` ones. Gives how many were gathered; -1 without memory, -2 without room for the picks,
   with nothing done. */
EXPORT int64_t actdiag_input(const Input *site, const void *data, const Batch *batch, int64_t first,
                             int64_t waiting, int64_t ahead) {
    const View *v = site->view;
    int64_t found = 0;
    if (site->values) {
        if (picks_of(v, first) > site->room - waiting) return -2;
        found = gather_picks(v, data, site->values + waiting, site->weights + waiting, first, NULL);
    }
    if (ahead) join(site->places, site->table, v->units);
    else if (actdiag_regions(v, data, batch->threads, site->table, site->regions)) return -1;
    return found;
}
