// SPDX-License-Identifier: MIT
// A guard in C, for the server of notes of ../example/src/lib.rs.
//
// It labels calls as that one does, but for asking the server whether a note was reviewed: here
// none was. Of answers it says nothing, so that the labels of the call hold for them.
//
// JSON is only ever walked: a value is skipped as a whole, so that a member of the arguments that
// is called like one of ours is not taken for it.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define IMPORT(name) __attribute__((import_module("env"), import_name(name)))

enum { FAILED = -1, TOO_SMALL = -2 };

IMPORT("host_log") void host_log(uint32_t level, const char *text, uint32_t len);

EXPORT("alloc") void *guard_alloc(uint32_t len) { return malloc(len ? len : 1); }
EXPORT("dealloc") void guard_dealloc(void *at, uint32_t len) { (void)len, free(at); }

// A piece of JSON text; it is not there if `at` is null.
typedef struct {
    const char *at;
    uint32_t len;
} text_t;

static const char *blanks(const char *at, const char *end) {
    while (at < end && strchr(" \t\r\n", *at)) at++;
    return at;
}

// The end of the string that begins at `at`.
static const char *string_end(const char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\') at++;
    return at < end ? at + 1 : end;
}

// The end of the value that begins at `at`.
static const char *value_end(const char *at, const char *end) {
    int depth = 0;
    while (at < end) {
        if (*at == '"') {
            at = string_end(at, end);
        } else if (strchr("{[", *at)) {
            depth++, at++;
        } else if (strchr("}]", *at)) {
            if (depth == 0) return at;
            depth--, at++;
        } else if (depth == 0 && *at == ',') {
            return at;
        } else {
            at++;
            continue;
        }
        if (depth == 0) return at;
    }
    return end;
}

// The value of a member of an object.
static text_t member(text_t object, const char *name) {
    const char *at = object.at, *end = at ? at + object.len : at;
    size_t name_len = strlen(name);
    text_t found = {0};
    if (!at || at == end || *at != '{') return found;
    for (at = blanks(at + 1, end); at < end && *at == '"'; at = blanks(at, end)) {
        const char *key = at + 1;
        at = blanks(string_end(at, end), end);
        if (at == end || *at != ':') break;
        int is_it = (size_t)(end - key) > name_len && !memcmp(key, name, name_len) &&
                    key[name_len] == '"';
        const char *value = blanks(at + 1, end);
        at = value_end(value, end);
        // Of several the last, as most readers have it.
        if (is_it) found = (text_t){value, (uint32_t)(at - value)};
        at = blanks(at, end);
        if (at < end && *at == ',') at = blanks(at + 1, end);
    }
    return found;
}

static int is_string(text_t value) {
    return value.at && value.len >= 2 && value.at[0] == '"';
}

static int is(text_t value, const char *word) {
    return is_string(value) && value.len == strlen(word) + 2 &&
           !memcmp(value.at + 1, word, value.len - 2);
}

// What is in the quotes. It stays as it is spelled, so it can be written as it is.
static text_t inside(text_t value) {
    return is_string(value) ? (text_t){value.at + 1, value.len - 2} : (text_t){"", 0};
}

// Whether a folder is `public` or below it. With an escape in it, it is another.
static int is_public(text_t folder) {
    return folder.len >= 6 && !memcmp(folder.at, "public", 6) &&
           (folder.len == 6 || folder.at[6] == '/');
}

static const char *levels(unsigned n) {
    static const char *const all[] = {
        "\"none\"",
        "\"none\",\"unapproved\"",
        "\"none\",\"unapproved\",\"approved\"",
        "\"none\",\"unapproved\",\"approved\",\"merged\"",
    };
    return all[n];
}

// What is written, if there is room for it.
static int32_t done(int written, char *out, uint32_t size) {
    if (written < 0) return FAILED;
    if ((uint32_t)written < size) return written;
    if (size >= 4) {
        uint32_t needed = (uint32_t)written + 1;
        memcpy(out, &needed, 4);
    }
    return TOO_SMALL;
}

static int32_t refused(const char *why) {
    host_log(3, why, (uint32_t)strlen(why));
    return FAILED;
}

EXPORT("label_resource")
int32_t label_resource(const char *in, uint32_t len, char *out, uint32_t size) {
    text_t call = {in, len}, tool = member(call, "tool_name");
    text_t folder = inside(member(member(call, "tool_args"), "folder"));
    int is_write = is(tool, "write_note");
    int is_read = is(tool, "list_notes") || is(tool, "read_note");
    const char *integrity = is_write ? levels(2) : is_read ? levels(0) : "\"unknown-tool\"";
    int is_open = is_public(folder);
    int written = snprintf(
        out, size,
        "{\"resource\":{\"description\":\"notes:%.*s\",\"secrecy\":[%s%.*s%s],\"integrity\":[%s]},"
        "\"operation\":\"%s\"}",
        (int)folder.len, folder.at, is_open ? "" : "\"private:",
        is_open ? 0 : (int)folder.len, folder.at, is_open ? "" : "\"", integrity,
        is_read ? "read" : "write");
    return done(written, out, size);
}

EXPORT("label_response")
int32_t label_response(const char *in, uint32_t len, char *out, uint32_t size) {
    (void)in, (void)len, (void)out, (void)size;
    return 0;
}

// The folders of a policy, each as `"private:<folder>"`; how many bytes, or -1.
static int folders(text_t list, char *out, uint32_t size) {
    const char *at = list.at + 1, *end = list.at + list.len;
    int written = 0;
    for (at = blanks(at, end); at < end && *at == '"'; at = blanks(at, end)) {
        const char *after = string_end(at, end);
        int n = snprintf(out + written, size - (uint32_t)written, "%s\"private:%.*s",
                         written ? "," : "", (int)(after - at - 1), at + 1);
        if (n < 0 || (uint32_t)(written + n) >= size) return -1;
        written += n;
        at = blanks(after, end);
        if (at < end && *at == ',') at = blanks(at + 1, end);
    }
    return at < end && *at == ']' ? written : -1;
}

EXPORT("label_agent")
int32_t label_agent(const char *in, uint32_t len, char *out, uint32_t size) {
    text_t rule = member((text_t){in, len}, "allow-only");
    text_t repos = member(rule, "repos"), level = member(rule, "min-integrity");
    static const char *const names[] = {"none", "unapproved", "approved", "merged"};
    unsigned n = 0;
    while (n < 4 && !is(level, names[n])) n++;
    if (n == 4) return refused("min-integrity: expected none, unapproved, approved or merged");
    char *secrecy = calloc(1, len + 16 * (len / 3 + 1));
    if (!secrecy) return FAILED;
    int has_list = repos.at && repos.at[0] == '[';
    int is_known = is(repos, "public") || is(repos, "all") || has_list;
    if (is(repos, "all")) memcpy(secrecy, "\"*\"", 4);
    if (has_list) is_known = folders(repos, secrecy, len + 16 * (len / 3 + 1)) >= 0;
    int written = snprintf(out, size,
                           "{\"agent\":{\"secrecy\":[%s],\"integrity\":[%s]},\"difc_mode\":\"filter\","
                           "\"normalized_policy\":{\"scope_kind\":\"Folders\"}}",
                           secrecy, levels(n));
    free(secrecy);
    if (!is_known) return refused("repos: expected \"public\", \"all\" or a list of folders");
    return done(written, out, size);
}
