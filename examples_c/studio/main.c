/*
 * A small headless studio. It knows its plugin only by plugin.json and the library's descriptor.
 *
 *     studio plugins                      what the Plugins Editor shows
 *     studio activate ID | deactivate ID  takes effect at the next start
 *     studio toolbox                      the nodes there are
 *     studio settings                     the plugin's page of Project Settings
 *     studio run PROJECT.json             runs a project and prints every pulse and value
 *
 * Exit codes: 0 done, 1 failed, 2 wrong usage or a wrong project, 3 the project needs a plugin that is deactivated;
 * a project can end with a code of its own.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preferences.h"
#include "project.h"
#include "run.h"
#include "system.h"

#define USAGE_WRONG 2

static const char usage[] =
    "studio plugins | toolbox | settings | activate ID | deactivate ID | run PROJECT.json\n"
    "\n"
    "  --plugins DIR        folder of plugin.json (default: the current one)\n"
    "  --library FILE       the plugin's library, if it is not beside plugin.json\n"
    "  --preferences FILE   what was activated and deactivated (default: studio_preferences.json)\n"
    "\n"
    "  run: --seconds N     ends after N seconds\n"
    "       --set C.F=VALUE sets field F of connection C, such as main.url=http://127.0.0.1:3000\n"
    "       --log LEVEL     also prints the plugin's log: error, warning, info, debug or traffic\n";

struct options {
    const char *command;
    /* The plugin's id or the project's file. */
    const char *subject;
    const char *folder;
    const char *library;
    const char *preferences;
    /* Ended by NULL. */
    const char **overrides;
    struct run_options run;
};

struct studio {
    struct options options;
    struct plugin plugin;
    /* When the studio started: a toggle changes the preferences, not this. */
    int activated;
    struct toolbox toolbox;
};

static int say_wrong(const char *what, const char *value)
{
    fprintf(stderr, "studio: %s%s\n\n%s", what, value, usage);
    return -1;
}

static int read_seconds(const char *text, double *seconds)
{
    char *end;

    *seconds = strtod(text, &end);
    return end != text && *end == '\0' && *seconds > 0 && *seconds <= 1e6 ? 0 : say_wrong("not a time: ", text);
}

static int read_log_level(const char *text, uint32_t *level)
{
    for (*level = 0; *level < LOG_LEVELS; (*level)++) {
        if (strcmp(log_levels[*level], text) == 0) {
            return 0;
        }
    }
    return say_wrong("not a log level: ", text);
}

static int read_options(int argc, char **argv, struct options *options)
{
    size_t overrides = 0;
    int i;

    options->folder = ".";
    options->preferences = "studio_preferences.json";
    options->overrides = memory((size_t)argc, sizeof *options->overrides);
    for (i = 1; i < argc; i++) {
        const char *name = argv[i];
        const char *value = argv[i + 1];

        if (name[0] != '-') {
            if (options->subject != NULL) {
                return say_wrong("one argument too many: ", name);
            }
            *(options->command == NULL ? &options->command : &options->subject) = name;
            continue;
        }
        if (value == NULL) {
            return say_wrong("a value is missing behind ", name);
        }
        i++;
        if (strcmp(name, "--plugins") == 0) {
            options->folder = value;
        } else if (strcmp(name, "--library") == 0) {
            options->library = value;
        } else if (strcmp(name, "--preferences") == 0) {
            options->preferences = value;
        } else if (strcmp(name, "--set") == 0) {
            options->overrides[overrides++] = value;
        } else if (strcmp(name, "--seconds") == 0) {
            if (read_seconds(value, &options->run.seconds) != 0) {
                return -1;
            }
        } else if (strcmp(name, "--log") == 0) {
            if (read_log_level(value, &options->run.log_level) != 0) {
                return -1;
            }
        } else {
            return say_wrong("there is no option ", name);
        }
    }
    return options->command != NULL ? 0 : say_wrong("a command is missing", "");
}

static int show_plugins(struct studio *studio)
{
    const struct plugin *plugin = &studio->plugin;
    struct text out = {0};

    text_format(&out, "%s\n\n  %s %s [%s]  %s\n", plugin->category, plugin->name, plugin->version, plugin->id,
                studio->activated ? "Activated" : "Deactivated");
    plugin_add_description(plugin, &out);
    fputs(out.ptr, stdout);
    text_free(&out);
    return 0;
}

static int toggle(struct studio *studio, int activated)
{
    struct text why = {0};
    struct nearest nearest = {0};
    int exit_code = 0;

    nearest.wanted = studio->options.subject;
    nearest_offer(&nearest, studio->plugin.id);
    if (strcmp(studio->options.subject, studio->plugin.id) != 0) {
        text_format(&why, "there is no plugin \"%s\".", studio->options.subject);
        nearest_add(&nearest, &why);
        exit_code = USAGE_WRONG;
    } else if (preferences_set_activated(studio->options.preferences, &studio->plugin, activated, &why) != 0) {
        exit_code = 1;
    } else {
        printf("%s: %s. Save and restart to apply the changes.\n", studio->plugin.name,
               activated ? "Activated" : "Deactivated");
    }
    if (exit_code != 0) {
        fprintf(stderr, "studio: %s\n", why.ptr);
    }
    text_free(&why);
    return exit_code;
}

static int activate(struct studio *studio)
{
    return toggle(studio, 1);
}

static int deactivate(struct studio *studio)
{
    return toggle(studio, 0);
}

/* Loads the library if the plugin is activated, and fills the Toolbox. */
static int open_toolbox(struct studio *studio)
{
    struct text why = {0};

    if (studio->activated && plugin_load(&studio->plugin, &why) != 0) {
        fprintf(stderr, "studio: %s\n", why.ptr);
        text_free(&why);
        return -1;
    }
    toolbox_fill(&studio->toolbox, studio->activated ? &studio->plugin.descriptor : NULL);
    return 0;
}

static int show_toolbox(struct studio *studio)
{
    if (open_toolbox(studio) != 0) {
        return 1;
    }
    toolbox_print(&studio->toolbox);
    return 0;
}

static int show_settings(struct studio *studio)
{
    const struct plugin *plugin = &studio->plugin;
    struct fields fields;

    if (open_toolbox(studio) != 0) {
        return 1;
    }
    if (!studio->activated) {
        printf("No plugin adds a page to Project Settings: %s is deactivated.\n", plugin->name);
        return 0;
    }
    fields = fields_copy(plugin->descriptor.connection_fields, plugin->descriptor.connection_field_count);
    printf("Project Settings \xe2\x80\xba %s \xe2\x80\xba %s\n\n", plugin->page, plugin->list);
    fields_print(&fields);
    free((void *)fields.items);
    return 0;
}

static int run(struct studio *studio)
{
    struct project project;
    int exit_code;

    if (open_toolbox(studio) != 0) {
        return 1;
    }
    exit_code = project_read(&project, studio->options.subject, &studio->plugin, studio->activated, &studio->toolbox,
                             studio->options.overrides);
    if (exit_code == 0) {
        exit_code = run_project(&project, studio->activated ? &studio->plugin : NULL, &studio->toolbox,
                                &studio->options.run);
    }
    project_free(&project);
    return exit_code;
}

static int execute(struct studio *studio)
{
    static const struct { const char *name; int (*execute)(struct studio *studio); int needs_subject; } commands[] = {
        {"plugins", show_plugins, 0}, {"activate", activate, 1},     {"deactivate", deactivate, 1},
        {"toolbox", show_toolbox, 0}, {"settings", show_settings, 0}, {"run", run, 1},
    };
    struct text why = {0};
    size_t i = 0;

    while (i < sizeof commands / sizeof commands[0] && strcmp(commands[i].name, studio->options.command) != 0) {
        i++;
    }
    if (i == sizeof commands / sizeof commands[0]) {
        say_wrong("there is no command ", studio->options.command);
        return USAGE_WRONG;
    }
    if ((studio->options.subject != NULL) != commands[i].needs_subject) {
        say_wrong(commands[i].name, commands[i].needs_subject ? " needs an argument" : " takes no argument");
        return USAGE_WRONG;
    }
    if (plugin_read(&studio->plugin, studio->options.folder, studio->options.library, &why) == 0) {
        studio->activated = preferences_activated(studio->options.preferences, &studio->plugin, &why);
        if (studio->activated >= 0) {
            return commands[i].execute(studio);
        }
    }
    fprintf(stderr, "studio: %s\n", why.ptr);
    text_free(&why);
    return 1;
}

int main(int argc, char **argv)
{
    struct studio studio = {0};
    int exit_code = USAGE_WRONG;

    argv = system_begin(argc, argv);
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (read_options(argc, argv, &studio.options) == 0) {
        exit_code = execute(&studio);
    }
    toolbox_free(&studio.toolbox);
    plugin_close(&studio.plugin);
    free(studio.options.overrides);
    return exit_code;
}
