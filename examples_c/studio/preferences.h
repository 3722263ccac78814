#ifndef STUDIO_PREFERENCES_H
#define STUDIO_PREFERENCES_H

/* What the user toggled in the Plugins Editor: {"activated":{"plugin id":true}} in a file of the studio. */

#include "plugin.h"

/* Is the plugin activated? Never toggled means its default. 1, 0, or -1 with a reason in `why`. */
int preferences_activated(const char *path, const struct plugin *plugin, struct text *why);
/* Remembers a toggle; everything else in the file stays as it is. 0, or -1 with a reason in `why`. */
int preferences_set_activated(const char *path, const struct plugin *plugin, int activated, struct text *why);

#endif
