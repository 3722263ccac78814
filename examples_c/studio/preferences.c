#include "preferences.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "system.h"

/* A studio that was never told anything has no preferences file. */
static struct json_document *read_preferences(const char *path, struct text *why)
{
    struct json_document *document;

    if (!system_is_there(path)) {
        return json_read("{}\n", 3, why);
    }
    document = json_read_file(path, why);
    if (document != NULL && document->root->type != JSON_OBJECT) {
        text_format(why, "%s: the preferences must be a JSON object", path);
        json_free(document);
        return NULL;
    }
    return document;
}

int preferences_activated(const char *path, const struct plugin *plugin, struct text *why)
{
    struct json_document *document = read_preferences(path, why);
    const struct json *toggled;
    int activated = plugin->activated_by_default;

    if (document == NULL) {
        return -1;
    }
    toggled = json_get(json_get(document->root, "activated"), plugin->id);
    if (toggled != NULL && toggled->type == JSON_BOOL) {
        activated = json_is_true(toggled);
    }
    json_free(document);
    return activated;
}

/* Replaces the document by one with this member. */
static struct json_document *with_member(struct json_document *document, const struct json *object, const char *key,
                                         const char *value, struct text *why)
{
    struct text source = {0};
    struct json_document *changed;

    json_with_member(document, object, key, value, &source);
    changed = json_read(source.ptr, source.len, why);
    text_free(&source);
    json_free(document);
    return changed;
}

int preferences_set_activated(const char *path, const struct plugin *plugin, int activated, struct text *why)
{
    struct json_document *document = read_preferences(path, why);
    const struct json *toggles = document != NULL ? json_get(document->root, "activated") : NULL;
    int status = -1;

    if (document != NULL && (toggles == NULL || toggles->type != JSON_OBJECT)) {
        document = with_member(document, document->root, "activated", "{}", why);
    }
    if (document != NULL) {
        document = with_member(document, json_get(document->root, "activated"), plugin->id,
                               activated ? "true" : "false", why);
    }
    if (document != NULL) {
        status = file_write(path, document->source, document->len, why);
    }
    json_free(document);
    return status;
}
