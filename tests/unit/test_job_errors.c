/* SPDX-License-Identifier: MIT */
/* Wrong jobs: the whole message, with file, line, column, the line itself and the caret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_schemas.h"
#include "phasegrid/job.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SETTINGS_LIST                                                                              \
    "expected one of steps, decoder_lr, weight_decay, optimiser, decoder_width, decoder_depth, "   \
    "widths"
#define SECTIONS_LIST                                                                              \
    "expected one of title, experiment, settings, grid, seeds, record, llc, stop, streams"
#define RATE "expected a number above 0 and up to 10"

struct wrong_job {
    const char *text, *message;
};

static int parse(const char *text, size_t size, const char *const *overrides, size_t count,
                 struct pg_error *error)
{
    struct pg_job *job = NULL;
    int status = pg_job_parse("a.yaml", text, size, fake_schemas, FAKE_SCHEMAS, overrides, count,
                              &job, error);
    pg_job_destroy(job);
    return status;
}

static void expect_messages(const struct wrong_job *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pg_error error = {0};
        assert_int_equal(parse(cases[i].text, strlen(cases[i].text), NULL, 0, &error), PG_EINPUT);
        assert_string_equal(error.text, cases[i].message);
    }
}

static void test_file_as_a_whole(void **state)
{
    (void)state;
    static const struct wrong_job cases[] = {
        {"", "a.yaml: is empty, expected a job in YAML"},
        {"# only this\n", "a.yaml:1:1: not valid YAML: nothing in it\n# only this\n^"},
        {"title: \xff\n",
         "a.yaml:1:8: found the byte 0xff, expected text in UTF-8\ntitle: ?\n       ^"},
        {"a: [1, 2\n", "a.yaml:2:1: not valid YAML: flow sequence without a closing bracket"},
        {"a: 1\nb:\n\tc: 2\n", "a.yaml:3:1: not valid YAML: tab character may not be used as "
                               "indentation\n\tc: 2\n^"},
        {"experiment: addition\n---\ntitle: b\n",
         "a.yaml:3:1: found a second document, expected one job in a file\ntitle: b\n^"},
        {"- addition\n",
         "a.yaml:1:3: job: found a list, expected a map with title, experiment, settings, grid, "
         "seeds, record, llc, stop, streams\n- addition\n  ^"},
        {"experiment: addition\nexperiment: addition\n",
         "a.yaml:2:1: job: the key \"experiment\" stands here a second time\n"
         "experiment: addition\n^"},
        {"experiment: addition\nsetings: {}\n",
         "a.yaml:2:1: job: found the key \"setings\", " SECTIONS_LIST
         "; did you mean settings?\nsetings: {}\n^"},
        {"experiment: addition\nbanana: {}\n",
         "a.yaml:2:1: job: found the key \"banana\", " SECTIONS_LIST "\nbanana: {}\n^"},
    };
    expect_messages(cases, COUNT(cases));
}

static void test_experiment(void **state)
{
    (void)state;
    static const struct wrong_job cases[] = {
        {"title: x\n", "a.yaml:1:1: experiment: found nothing, expected one of addition, "
                       "relation\ntitle: x\n^"},
        {"experiment:\n", "a.yaml:1:1: experiment: found nothing, expected one of addition, "
                          "relation\nexperiment:\n^"},
        {"experiment: adition\n",
         "a.yaml:1:1: experiment: found \"adition\", expected one of addition, relation; did you "
         "mean addition?\nexperiment: adition\n^"},
    };
    expect_messages(cases, COUNT(cases));
}

#define SET(line) "experiment: addition\nsettings:\n  " line "\n"
#define AT_SET(message, line) "a.yaml:3:3: " message "\n  " line "\n  ^"

static void test_settings(void **state)
{
    (void)state;
    static const struct wrong_job cases[] = {
        {"experiment: addition\nsettings: 5\n",
         "a.yaml:2:1: settings: found 5, expected a map from names of settings to values\n"
         "settings: 5\n^"},
        {SET("decoder_rl: 1"),
         AT_SET("settings: found \"decoder_rl\", " SETTINGS_LIST "; did you mean decoder_lr?",
                "decoder_rl: 1")},
        {SET("relations: 1"), AT_SET("settings: found \"relations\", which relation has but "
                                     "addition lacks, " SETTINGS_LIST,
                                     "relations: 1")},
        {SET("steps: 1\n  steps: 2"), "a.yaml:4:3: settings: the key \"steps\" stands here a "
                                      "second time\n  steps: 2\n  ^"},
        {SET("decoder_lr: fast"), AT_SET("decoder_lr: found \"fast\", " RATE, "decoder_lr: fast")},
        {SET("decoder_lr: 11"), AT_SET("decoder_lr: found 11, " RATE, "decoder_lr: 11")},
        {SET("decoder_lr: 0"), AT_SET("decoder_lr: found 0, " RATE, "decoder_lr: 0")},
        {SET("decoder_lr: .nan"), AT_SET("decoder_lr: found .nan, " RATE, "decoder_lr: .nan")},
        {SET("decoder_lr: -.inf"), AT_SET("decoder_lr: found -.inf, " RATE, "decoder_lr: -.inf")},
        {SET("decoder_lr: \"1\""),
         AT_SET("decoder_lr: found the text \"1\", " RATE, "decoder_lr: \"1\"")},
        {SET("decoder_lr: !!str 1"),
         AT_SET("decoder_lr: found the text \"1\", " RATE, "decoder_lr: !!str 1")},
        {SET("decoder_lr:"), AT_SET("decoder_lr: found nothing, " RATE, "decoder_lr:")},
        {SET("decoder_lr: ~"), AT_SET("decoder_lr: found nothing, " RATE, "decoder_lr: ~")},
        {SET("decoder_lr: *x"),
         AT_SET("decoder_lr: found an alias to nothing, " RATE, "decoder_lr: *x")},
        {SET("decoder_lr: [1, 2]"),
         AT_SET(
             "decoder_lr: found a list (several values make an axis: put them under grid), " RATE,
             "decoder_lr: [1, 2]")},
        {SET("decoder_lr: {values: [1]}"),
         AT_SET("decoder_lr: found a map (several values make an axis: put them under grid), " RATE,
                "decoder_lr: {values: [1]}")},
        {SET("steps: 1.5"),
         AT_SET("steps: found 1.5, expected an integer from 0 to 1e9 steps", "steps: 1.5")},
        {SET("steps: -1"),
         AT_SET("steps: found -1, expected an integer from 0 to 1e9 steps", "steps: -1")},
        {SET("optimiser: adam"), AT_SET("optimiser: found \"adam\", expected one of adamw, sgd; "
                                        "did you mean adamw?",
                                        "optimiser: adam")},
        {SET("widths: 5"), AT_SET("widths: found 5, expected a list of up to 16 integers from 1 "
                                  "to 4096",
                                  "widths: 5")},
        {SET("widths: [5, 0]"), AT_SET("widths: found [5, 0], expected a list of up to 16 "
                                       "integers from 1 to 4096",
                                       "widths: [5, 0]")},
        {SET("widths: [5, [6]]"), "a.yaml:3:16: widths: found a list, expected a list of up to 16 "
                                  "integers from 1 to 4096\n  widths: [5, [6]]\n               ^"},
        {SET("widths: [5, \"6\"]"),
         "a.yaml:3:15: widths: found the text \"6\", expected a list of up to 16 integers from 1 "
         "to 4096\n  widths: [5, \"6\"]\n              ^"},
    };
    expect_messages(cases, COUNT(cases));
}

#define GRID(line) "experiment: addition\nsettings: {steps: 10}\ngrid:\n- " line "\n"
#define AT_GRID(column, message, line, caret) "a.yaml:4:" column ": " message "\n- " line caret

static void test_grid(void **state)
{
    (void)state;
    static const struct wrong_job cases[] = {
        {"experiment: addition\ngrid: {decoder_lr: [1]}\n",
         "a.yaml:2:1: grid: found a map, expected a list of up to 16 axes such as {name: "
         "decoder_lr, values: [..]}\ngrid: {decoder_lr: [1]}\n^"},
        {GRID("decoder_lr"),
         AT_GRID("3",
                 "grid: found \"decoder_lr\", expected a map with name, values, linspace, "
                 "logspace, range, zip",
                 "decoder_lr", "\n  ^")},
        {GRID("{values: [1]}"),
         AT_GRID("4", "grid: found no name, expected the key name", "{values: [1]}", "\n   ^")},
        {GRID("{name: decoder_rl, values: [1]}"),
         AT_GRID("4", "grid: found \"decoder_rl\", " SETTINGS_LIST "; did you mean decoder_lr?",
                 "{name: decoder_rl, values: [1]}", "\n   ^")},
        {GRID("{name: relations, values: [1]}"),
         AT_GRID("4",
                 "grid: found \"relations\", which relation has but addition lacks, " SETTINGS_LIST,
                 "{name: relations, values: [1]}", "\n   ^")},
        {GRID("{name: decoder_lr, value: [1]}"),
         AT_GRID("22",
                 "grid: found the key \"value\", expected one of name, values, linspace, "
                 "logspace, range, zip; did you mean values?",
                 "{name: decoder_lr, value: [1]}", "\n                     ^")},
        {GRID("{name: decoder_lr}"),
         AT_GRID("4",
                 "decoder_lr: found no values, expected one of values, linspace, logspace, "
                 "range",
                 "{name: decoder_lr}", "\n   ^")},
        {GRID("{name: decoder_lr, values: [1], range: {}}"),
         AT_GRID("35", "decoder_lr: found both values and range, expected one of them",
                 "{name: decoder_lr, values: [1], range: {}}",
                 "\n                                  ^")},
        {GRID("{name: decoder_lr, values: []}"),
         AT_GRID("22",
                 "decoder_lr.values: found an empty list, expected a list of 1 to 100000 "
                 "values",
                 "{name: decoder_lr, values: []}", "\n                     ^")},
        {GRID("{name: decoder_lr, values: 1}"),
         AT_GRID("22", "decoder_lr.values: found 1, expected a list of 1 to 100000 values",
                 "{name: decoder_lr, values: 1}", "\n                     ^")},
        {GRID("{name: decoder_lr, values: [1, no]}"),
         AT_GRID("34", "decoder_lr: found \"no\", " RATE, "{name: decoder_lr, values: [1, no]}",
                 "\n                                 ^")},
        {GRID("{name: decoder_lr, values: [1, 2, 1.0]}"),
         AT_GRID("4", "decoder_lr: found 1 at places 1 and 3, expected each value once",
                 "{name: decoder_lr, values: [1, 2, 1.0]}", "\n   ^")},
        {GRID("{name: steps, values: [1]}"),
         AT_GRID("4", "steps: found both under settings and in the grid, expected one of them",
                 "{name: steps, values: [1]}", "\n   ^")},
        {GRID("{name: decoder_lr, values: [1]}\n- {name: decoder_lr, values: [2]}"),
         "a.yaml:5:4: decoder_lr: found twice in the grid, expected one axis\n"
         "- {name: decoder_lr, values: [2]}\n   ^"},
    };
    expect_messages(cases, COUNT(cases));
}

#define AXIS(form) "experiment: addition\ngrid:\n- name: decoder_lr\n  " form "\n"
#define WIDTH(form) "experiment: addition\ngrid:\n- name: decoder_width\n  " form "\n"

static void test_computed_axes(void **state)
{
    (void)state;
    static const struct wrong_job cases[] = {
        {AXIS("linspace: {from: 1, to: 2}"),
         "a.yaml:4:3: decoder_lr.linspace: found no count, expected from, to and count\n"
         "  linspace: {from: 1, to: 2}\n  ^"},
        {AXIS("linspace: {from: 1, to: 2, count: 1}"),
         "a.yaml:4:30: decoder_lr.linspace.count: found 1, expected an integer from 2 to 100000\n"
         "  linspace: {from: 1, to: 2, count: 1}\n                             ^"},
        {AXIS("linspace: {from: 1, to: 2, count: 1e18}"),
         "a.yaml:4:30: decoder_lr.linspace.count: found 1e18, expected an integer from 2 to "
         "100000\n"
         "  linspace: {from: 1, to: 2, count: 1e18}\n                             ^"},
        {AXIS("linspace: {from: 1, to: 20, count: 3}"),
         "a.yaml:4:23: decoder_lr.linspace.to: found 20, " RATE
         "\n  linspace: {from: 1, to: 20, count: 3}\n                      ^"},
        {AXIS("linspace: {from: 1, to: 1, count: 2}"),
         "a.yaml:3:3: decoder_lr: found 1 at places 1 and 2, expected each value once\n"
         "- name: decoder_lr\n  ^"},
        {AXIS("linspace: [1, 2, 3]"), "a.yaml:4:3: decoder_lr.linspace: found a list, expected a "
                                      "map with from, to, count\n  linspace: [1, 2, 3]\n  ^"},
        {"experiment: addition\ngrid:\n- name: weight_decay\n  logspace: {from: 0, to: 1, count: "
         "3}\n",
         "a.yaml:4:14: weight_decay.logspace.from: found 0, expected a number above 0 and up to "
         "100\n  logspace: {from: 0, to: 1, count: 3}\n             ^"},
        {AXIS("range: {from: 1, to: 2, step: 0}"),
         "a.yaml:4:27: decoder_lr.range.step: found 0, expected a step that leads from 1 to 2\n"
         "  range: {from: 1, to: 2, step: 0}\n                          ^"},
        {AXIS("range: {from: 1, to: 2, step: -1}"),
         "a.yaml:4:27: decoder_lr.range.step: found -1, expected a step that leads from 1 to 2\n"
         "  range: {from: 1, to: 2, step: -1}\n                          ^"},
        {AXIS("range: {from: 1, to: 2, step: 1e-9}"),
         "a.yaml:4:3: decoder_lr.range: found 1000000001 values, expected at most 100000\n"
         "  range: {from: 1, to: 2, step: 1e-9}\n  ^"},
        {WIDTH("range: {from: 1, to: 2, step: 0.5}"),
         "a.yaml:4:27: decoder_width.range.step: found 0.5, expected an integer\n"
         "  range: {from: 1, to: 2, step: 0.5}\n                          ^"},
        {WIDTH("logspace: {from: 1, to: 4, count: 9}"),
         "a.yaml:3:3: decoder_width: found 1 at places 1 and 2, expected each value once\n"
         "- name: decoder_width\n  ^"},
        {"experiment: addition\ngrid:\n- name: optimiser\n  linspace: {from: 1, to: 2, count: 3}\n",
         "a.yaml:4:3: optimiser.linspace: found a computed axis, expected values, since the "
         "setting is not a number\n  linspace: {from: 1, to: 2, count: 3}\n  ^"},
    };
    expect_messages(cases, COUNT(cases));
}

#define ZIP(name, members) "experiment: addition\ngrid:\n- name: " name "\n  zip:\n" members
#define TWO_WIDTHS "  - {name: decoder_width, values: [1, 2]}\n"

static void test_zips(void **state)
{
    (void)state;
    static const char own_axis[] =
        "experiment: addition\ngrid:\n- name: decoder_lr\n  values: [1]\n"
        "  zip: []\n";
    static const struct wrong_job cases[] = {
        {ZIP("z", TWO_WIDTHS "  - {name: decoder_depth, values: [1, 2, 3]}\n"),
         "a.yaml:6:6: decoder_depth: found 3 values, expected 2, as many as decoder_width has in "
         "the zip z\n  - {name: decoder_depth, values: [1, 2, 3]}\n     ^"},
        {ZIP("z", TWO_WIDTHS "  - {name: decoder_width, values: [1, 2]}\n"),
         "a.yaml:6:6: decoder_width: found twice in the grid, expected one axis\n" TWO_WIDTHS
         "     ^"},
        {ZIP("z", TWO_WIDTHS), "a.yaml:4:3: zip: found a list, expected a list of at least two "
                               "settings with their values\n  zip:\n  ^"},
        {ZIP("z", "  - {name: decoder_width, values: [1, 1]}\n"
                  "  - {name: decoder_depth, values: [2, 2]}\n"),
         "a.yaml:3:3: z: found 1 (and the rest of its zip) at places 1 and 2, expected each value "
         "once\n- name: z\n  ^"},
        {ZIP("steps", TWO_WIDTHS TWO_WIDTHS),
         "a.yaml:3:3: name: found \"steps\", expected a name of the zip's own, not that of a "
         "setting\n- name: steps\n  ^"},
        {ZIP("seed", TWO_WIDTHS TWO_WIDTHS),
         "a.yaml:3:3: name: found \"seed\", expected a name other than that of the seeds' "
         "dimension\n- name: seed\n  ^"},
        {ZIP("a/b", TWO_WIDTHS TWO_WIDTHS),
         "a.yaml:3:3: name: found \"a/b\", expected letters, digits and _, up to 64 of them\n"
         "- name: a/b\n  ^"},
        {own_axis, "a.yaml:4:3: values: found a list, expected nothing beside zip\n"
                   "  values: [1]\n  ^"},
    };
    expect_messages(cases, COUNT(cases));
}

#define MORE(line) "experiment: addition\n" line "\n"
#define AT_MORE(message, line) "a.yaml:2:1: " message "\n" line "\n^"

static void test_seeds_record_stop(void **state)
{
    (void)state;
    static const struct wrong_job cases[] = {
        {MORE("seeds: 0"),
         AT_MORE("seeds: found 0, expected an integer from 1 to 1e6", "seeds: 0")},
        {MORE("seeds: 1e18"),
         AT_MORE("seeds: found 1e18, expected an integer from 1 to 1e6", "seeds: 1e18")},
        {MORE("seeds: []"), AT_MORE("seeds: found an empty list, expected how many (3: 0, 1, 2) "
                                    "or a list of 1 to 1e6 seeds",
                                    "seeds: []")},
        {MORE("seeds: [7, 3, 7]"),
         AT_MORE("seeds: found 7 twice, expected distinct seeds", "seeds: [7, 3, 7]")},
        {MORE("seeds: [-1]"), "a.yaml:2:9: seeds: found -1, expected an integer from 0 to "
                              "4294967295\nseeds: [-1]\n        ^"},
        {MORE("seeds: [4294967296]"),
         "a.yaml:2:9: seeds: found 4294967296, expected an integer from 0 to 4294967295\n"
         "seeds: [4294967296]\n        ^"},
        {MORE("record: {point: 3}"),
         "a.yaml:2:10: record: found the key \"point\", expected one of points, spacing, "
         "parameters; did you mean points?\nrecord: {point: 3}\n         ^"},
        {MORE("record: {points: 1}"), "a.yaml:2:10: record.points: found 1, expected an integer "
                                      "from 2 to 100000\nrecord: {points: 1}\n         ^"},
        {MORE("record: {spacing: lin}"),
         "a.yaml:2:10: record.spacing: found \"lin\", expected one of log, linear\n"
         "record: {spacing: lin}\n         ^"},
        {MORE("record: {parameters: 5}"),
         "a.yaml:2:10: record.parameters: found 5, expected a list of up to 1000 steps\n"
         "record: {parameters: 5}\n         ^"},
        {MORE("record: {parameters: [-5]}"),
         "a.yaml:2:23: record.parameters: found -5, expected an integer from 0 to 1e15\n"
         "record: {parameters: [-5]}\n                      ^"},
        {MORE("record: {parameters: [5, 5]}"),
         "a.yaml:2:10: record.parameters: found 5 twice, expected distinct steps\n"
         "record: {parameters: [5, 5]}\n         ^"},
        {MORE("record: {parameters: [0, 1001]}"),
         "a.yaml:2:10: record.parameters: found step 1001, expected steps from 0 to 1000, the "
         "longest budget (steps)\nrecord: {parameters: [0, 1001]}\n         ^"},
        {MORE("stop: never"),
         AT_MORE("stop: found \"never\", expected one of budget, decided", "stop: never")},
        {MORE("streams: share"),
         AT_MORE("streams: found \"share\", expected one of shared, independent; did you mean "
                 "shared?",
                 "streams: share")},
        {MORE("title: [a]"), AT_MORE("title: found a list, expected a line of text", "title: [a]")},
    };
    expect_messages(cases, COUNT(cases));
}

/* 1e16 runs: beyond the limit, though each axis is within its own. */
static void test_grid_too_large(void **state)
{
    (void)state;
    static const struct wrong_job cases[] = {
        {"experiment: addition\n"
         "seeds: 1000000\n"
         "grid:\n"
         "- {name: decoder_lr, linspace: {from: 1, to: 2, count: 100000}}\n"
         "- {name: weight_decay, linspace: {from: 1, to: 2, count: 100000}}\n",
         "a.yaml:3:1: grid: found 100000 x 100000 x 1000000 runs (axes x seeds), expected at most "
         "1099511627776 in all\ngrid:\n^"},
    };
    expect_messages(cases, COUNT(cases));
}

/* Columns count characters; a tab before the caret stays a tab; long lines are cut around it. */
static void test_caret(void **state)
{
    (void)state;
    static const struct wrong_job cases[] = {
        {"experiment: addition\nsettings: {\"\xc3\xa9\xc3\xa9\": 1}\n",
         "a.yaml:2:12: settings: found \"\xc3\xa9\xc3\xa9\", " SETTINGS_LIST
         "\nsettings: {\"\xc3\xa9\xc3\xa9\": 1}\n           ^"},
        {"experiment: addition\nsettings: {\t\xc3\xa9: 1}\n",
         "a.yaml:2:13: settings: found \"\xc3\xa9\", " SETTINGS_LIST
         "\nsettings: {\t\xc3\xa9: 1}\n           \t^"},
        {"experiment: addition\r\nbanana: 1\r\n",
         "a.yaml:2:1: job: found the key \"banana\", " SECTIONS_LIST "\nbanana: 1\n^"},
        {"\xef\xbb\xbf"
         "banana: 1\n",
         "a.yaml:1:1: job: found the key \"banana\", " SECTIONS_LIST "\nbanana: 1\n^"},
    };
    expect_messages(cases, COUNT(cases));
    char text[1200];
    (void)snprintf(text, sizeof text, "experiment: addition\nsettings: {%1000s x: 1, %99s y: 2}\n",
                   "", "");
    struct pg_error error = {0};
    assert_int_equal(parse(text, strlen(text), NULL, 0, &error), PG_EINPUT);
    const char *line = strchr(error.text, '\n') + 1, *caret = strchr(line, '\n') + 1;
    assert_int_equal(strcspn(line, "\n"), 160);
    assert_int_equal(strcspn(line, "x"), strcspn(caret, "^"));
}

static void test_overrides(void **state)
{
    (void)state;
    static const char job[] = "experiment: addition\n"
                              "grid:\n"
                              "- {name: decoder_lr, values: [1]}\n"
                              "record: {parameters: [100]}\n";
    static const struct {
        const char *override, *message;
    } cases[] = {
        {"steps", "--set steps: found no '=', expected name=value"},
        {"step=3", "--set step=3: name: found \"step\", " SETTINGS_LIST
                   ", seeds, stop, streams, record.points, record.spacing, record.parameters, "
                   "llc.at, llc.every, title; did you mean steps?"},
        {"decoder_lr=1", "--set decoder_lr=1: decoder_lr: found in the grid of this job (axis "
                         "decoder_lr), expected a setting that is not an axis"},
        {"steps=many", "--set steps=many: steps: found \"many\", expected an integer from 0 to "
                       "1e9 steps"},
        {"steps=\"7\"", "--set steps=\"7\": steps: found the text \"7\", expected an integer from "
                        "0 to 1e9 steps"},
        {"steps= ", "--set steps= : steps: found nothing, expected an integer from 0 to 1e9 steps"},
        {"widths=[1", "--set widths=[1: not valid YAML: flow sequence without a closing bracket"},
        {"steps=\xff", "--set steps=\xff: found the byte 0xff, expected text in UTF-8"},
        {"seeds=[1, 1]", "--set seeds=[1, 1]: seeds: found 1 twice, expected distinct seeds"},
        {"stop=now", "--set stop=now: stop: found \"now\", expected one of budget, decided"},
        {"record.points=0", "--set record.points=0: record.points: found 0, expected an integer "
                            "from 2 to 100000"},
        {"record.parameters=[2000]",
         "--set record.parameters=[2000]: record.parameters: found step 2000, expected steps from "
         "0 to 1000, the longest budget (steps)"},
        {"steps=99", "a.yaml:4:10: record.parameters: found step 100, expected steps from 0 to "
                     "99, the longest budget (steps)\nrecord: {parameters: [100]}\n         ^"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pg_error error = {0};
        assert_int_equal(parse(job, strlen(job), &cases[i].override, 1, &error), PG_EINPUT);
        assert_string_equal(error.text, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_as_a_whole),
        cmocka_unit_test(test_experiment),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_computed_axes),
        cmocka_unit_test(test_zips),
        cmocka_unit_test(test_seeds_record_stop),
        cmocka_unit_test(test_grid_too_large),
        cmocka_unit_test(test_caret),
        cmocka_unit_test(test_overrides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
