/* SPDX-License-Identifier: MIT */
/*
 * Well-known phases have the field's letters (F for confusion, since C is comprehension); others
 * take their first letter or digit that is free. The colours fall in lightness from comprehension
 * to confusion, so that they hold in grey.
 */
#include "phase_style.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum { BLACK = 16, WHITE = 231 };

static const struct {
    const char *name;
    struct pg_phase_style style;
} customary[] = {
    {"comprehension", {'C', 193, BLACK}},       {"grokking", {'G', 215, BLACK}},
    {"memorization", {'M', 67, BLACK}},         {"confusion", {'F', 54, WHITE}},
    {"generalization_only", {'T', 152, BLACK}}, {"diverged", {'X', 234, WHITE}},
};

static const int spare_backgrounds[] = {182, 137, 71, 95, 60, 250};

static bool is_taken(char letter, const struct pg_phase_style *styles, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (styles[i].letter == letter)
            return true;
    return false;
}

static char free_letter(const char *name, const struct pg_phase_style *styles, size_t count)
{
    for (; *name != '\0'; name++) {
        char letter = (char)toupper((unsigned char)*name);
        if (isalnum((unsigned char)letter) && !is_taken(letter, styles, count))
            return letter;
    }
    char letter = 'A'; /* fewer phases than letters */
    while (is_taken(letter, styles, count))
        letter++;
    return letter;
}

static const struct pg_phase_style *find_customary(const char *name)
{
    for (size_t i = 0; i < sizeof customary / sizeof customary[0]; i++)
        if (strcmp(customary[i].name, name) == 0)
            return &customary[i].style;
    return NULL;
}

size_t pg_phase_styles(const char *const *phase_names, struct pg_phase_style *ret_styles)
{
    size_t count = 0, spare = 0;
    for (; phase_names[count] != NULL && count < PG_PHASES_MAX; count++) {
        const struct pg_phase_style *known = find_customary(phase_names[count]);
        if (known != NULL && !is_taken(known->letter, ret_styles, count)) {
            ret_styles[count] = *known;
            continue;
        }
        size_t colours = sizeof spare_backgrounds / sizeof spare_backgrounds[0];
        ret_styles[count] = (struct pg_phase_style){
            .letter = free_letter(phase_names[count], ret_styles, count),
            .background = spare_backgrounds[spare++ % colours],
            .ink = BLACK,
        };
    }
    return count;
}
