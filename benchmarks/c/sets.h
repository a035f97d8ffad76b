/* A list of names in sets of one size, each timed by itself: one short burst is noise, the median of many is a figure. */
#ifndef SETS_H
#define SETS_H

#include "link.h"

#include <stdlib.h>

static inline size_t set_size(struct lines names, size_t set_count)
{
    if (set_count == 0 || names.count % set_count)
        die("%zu names cannot be parted into %zu sets", names.count, set_count);
    return names.count / set_count;
}

static inline int compare_figures(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

/* Sorts `figures`. */
static inline double median(double *figures, size_t count)
{
    qsort(figures, count, sizeof *figures, compare_figures);
    return (figures[(count - 1) / 2] + figures[count / 2]) / 2;
}

#endif
