#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"

struct json_document *json_read_file(const char *path, struct text *why)
{
    struct text problem = {0};
    struct json_document *document = NULL;
    size_t len;
    char *content = file_read(path, &len, why);

    if (content != NULL) {
        document = json_read(content, len, &problem);
    }
    if (problem.ptr != NULL) {
        text_format(why, "%s: %s", path, problem.ptr);
    }
    text_free(&problem);
    free(content);
    return document;
}

const struct json *json_get(const struct json *object, const char *key)
{
    const struct json *member, *found = NULL;

    if (object == NULL || object->type != JSON_OBJECT) {
        return NULL;
    }
    for (member = object->first; member != NULL; member = member->next) {
        if (strcmp(member->key, key) == 0) {
            found = member;
        }
    }
    return found;
}

const char *json_name(const struct json *value)
{
    int usable = value != NULL && value->type == JSON_STRING && value->len > 0 && strlen(value->text) == value->len;

    return usable ? value->text : NULL;
}

int json_is_true(const struct json *value)
{
    return value != NULL && value->type == JSON_BOOL && value->len == 4;
}

void json_with_member(const struct json_document *document, const struct json *object, const char *key,
                      const char *value, struct text *out)
{
    const struct json *member = json_get(object, key);
    const char *from = member != NULL ? member->raw : object->raw + 1;
    const char *rest = member != NULL ? member->raw + member->raw_len : from;

    text_add(out, document->source, (size_t)(from - document->source));
    if (member == NULL) {
        text_put(out, "\"");
        text_add_escaped(out, key, strlen(key));
        text_put(out, "\":");
    }
    text_put(out, value);
    if (member == NULL && object->count > 0) {
        text_put(out, ",");
    }
    text_add(out, rest, (size_t)(document->source + document->len - rest));
}
