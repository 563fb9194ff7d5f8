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
    memset(part->shift, 0, size * sizeof(double));
    part->rectified = NULL;
    part->soon = NULL;
    return memory;
}

static void clear_extremes(Part *part, const View *v, int wide) {
    for (int64_t u = 0; u < padded(v->units); u++) {
        if (wide) ((double *)part->low)[u] = INFINITY, ((double *)part->high)[u] = -INFINITY;
        else ((float *)part->low)[u] = INFINITY, ((float *)part->high)[u] = -INFINITY;
    }
}

/* Everything but the shift and the places as before a walk; `careful` clears what only NaN and Inf
   need. */
static void clear(Part *part, const View *v, int wide, int careful) {
    const int64_t size = padded(v->units);
    memset(part->sum, 0, size * 3 * sizeof(double));
    if (v->spans || careful) memset(part->one, 0, size * 4 * sizeof(double));
    if (careful) memset(part->count, 0, size * 3 * sizeof(double));
    memset(part->zeros, 0, size * 2 * sizeof(double));
    clear_extremes(part, v, wide);
    part->nan = 0;
    if (!part->rectified) return;
    memset(part->rectified->sum, 0, size * 2 * sizeof(double));
    if (v->spans) memset(part->rectified->one, 0, size * 4 * sizeof(double));
}

static void clear_places(Part *part, const View *v) {
    memset(part->below, 0, padded(v->units) * 3 * sizeof(double));
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

/* Merge the values of a tensor into a table and, unless null, the means of its samples into
   another; count its picks in buckets, unless null. Samples are numbered from `first` on, or as
   `numbers` says. Unless `regions` is null, `places` becomes the table of where the values lie with
   respect to the function that reads them next. `known` is what look_into() would tell, and becomes
   what it would tell then. Where the function is ReLU, what it makes of the values goes to `kept`,
   unless null. The walk fetches what `soon` lists, unless null. Gives the number of NaN, or -1 if
   there was no memory; then nothing has changed. */
static int64_t measure(const View *v, const void *data, int64_t threads, double *table,
                       double *samples, int32_t *buckets, int64_t first, const int64_t *numbers,
                       const Regions *regions, double *places, int64_t *known, Kept *kept,
                       Soon *soon) {
    Part part;
    if (kept) kept->holds = 0;
    double *memory = new_part(&part, v->units);
    if (!memory) return -1;
    if (*known == UNKNOWN) *known = look_into(table, v->units);
    int sign = (*known & HAS_NEGATIVE) != 0, shifts = (*known & HAS_FAR) != 0, placed = 0;
    if (shifts) memcpy(part.shift, table + MEAN * v->units, v->units * sizeof(double));
    part.soon = soon;
    const int wide = v->dtype == FLOAT64;
    const int only_zero = regions && isnan(regions->below) && isnan(regions->above) &&
                          regions->first == 0 && regions->last == INFINITY;
    Part rectified;
    if (kept && only_zero) rectified = part_kept(kept, v->units), part.rectified = &rectified;
    int verdict = FAR;
    for (int tries = 0; verdict != FINE && verdict != SPOILED_SUMS && tries < 3; tries++) {
        if (shifts) part.rectified = NULL;
        sign = shifts ? SIGNED : part.rectified ? RECTIFIED : sign;
        clear(&part, v, wide, 0);
        placed = regions && sign && !shifts && !only_zero;
        if (placed) clear_places(&part, v);
        walk(v, data, &part, placed ? regions : NULL, sign, shifts, threads);
        verdict = kernels->verdict[wide](v, &part, sign);
        if (verdict == NEGATIVE) sign = SIGNED;
        shifts |= verdict == FAR;
    }
    if (places) blank_places(v, places);
    if (verdict != SPOILED_SUMS) {
        if (part.rectified) kernels->rectify[wide](v, &part);
        if (part.rectified) keep(kept, v, &rectified);
        *known = kernels->settle[wide](v, &part, table, samples, sign);
        if (placed) kernels->settle_regions[wide](v, &part, places);
        if (only_zero) kernels->settle_above_zero[wide](v, &part, places, sign);
        placed |= only_zero;
    } else {
        part.rectified = NULL;
        placed = 0;
        *known = UNKNOWN;
        memset(part.shift, 0, v->units * sizeof(double));
        clear(&part, v, 1, 1);
        careful_walk(v, data, &part);
        if (careful_far(v, &part)) {
            clear(&part, v, 1, 1);
            careful_walk(v, data, &part);
        }
        merge_float64_plain(v, &part, table, 1, 1);
        if (samples) merge_samples_float64_plain(v, &part, samples, 1);
    }
    if (regions && !placed) count_places(v, data, &part, places, regions, threads);
    if (buckets) count_picks(v, data, buckets, first, numbers);
    free(memory);
    return part.nan;
}

/* measure() of a table of which nothing is known. */
EXPORT int64_t actdiag_measure(const View *v, const void *data, int64_t threads, double *table,
                               double *samples, int32_t *buckets, int64_t first,
                               const int64_t *numbers, const Regions *regions, double *places) {
    int64_t known = UNKNOWN;
    return measure(v, data, threads, table, samples, buckets, first, numbers, regions, places,
                   &known, NULL, NULL);
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

#define MOST_SOON 40

static void put_soon(Soon *list, int *many, const void *from, int64_t bytes) {
    if (from && bytes > 0 && *many < MOST_SOON - 1)
        list[(*many)++] = (Soon){from, (const char *)from + bytes};
}

/* What is read or written of a site after the walk: between two layers everything has left the
   nearer caches. */
static void list_soon(Soon *list, const Output *site, const Batch *batch) {
    const View *v = site->view;
    const int several = v->rows != 1;
    const int64_t row = v->units * v->rows * (v->dtype == FLOAT64 ? 8 : 4);
    int many = 0;
    put_soon(list, &many, site->table, (HIGH + 1) * v->units * 8);
    put_soon(list, &many, site->samples, 4 * v->units * 8);
    for (int64_t k = 0; site->rows && k < batch->many[several]; k++)
        put_soon(list, &many, (char *)site->rows + batch->slots[several][k] * row, row);
    if (site->buckets) put_soon(list, &many, v->offsets, v->picks * 8);
    list[many] = (Soon){NULL, NULL};
}

/* As actdiag_measure(), with what is kept of the rows. Samples are numbered from `first` on; `how`
   tells whether to count for the function that comes next, and whether the tensor is certain to be
   what ReLU made of the one that something is given of. */
EXPORT int64_t actdiag_output(Output *site, const void *data, const Batch *batch, int64_t first,
                              int64_t how) {
    const View *v = site->view;
    const int ahead = (how & COUNT_AHEAD) != 0;
    int64_t found = 0;
    if (!ahead && how & IS_RELU && site->given &&
        take_kept(site->given, v, site->table, site->samples, &site->known)) {
        if (site->buckets) count_picks(v, data, site->buckets, first, NULL);
    } else {
        Soon soon[MOST_SOON];
        list_soon(soon, site, batch);
        found = measure(v, data, batch->threads, site->table, site->samples, site->buckets, first,
                        NULL, ahead ? site->regions : NULL, ahead ? site->places : NULL,
                        &site->known, ahead ? site->kept : NULL, soon);
    }
    const int several = v->rows != 1;
    if (found >= 0 && site->rows && batch->many[several])
        copy_rows(v, data, batch->places[several], batch->slots[several], batch->many[several],
                  site->rows);
    return found;
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
