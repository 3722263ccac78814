#include "atoms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest text of an atom that is no symbol. */
#define WORD 64

/* A number is written as short as it can be without becoming another one. */
static void write_word(char *to, const t_atom *atom)
{
    t_float number = atom->a_w.w_float;
    int digits = 6;

    if (atom->a_type != A_FLOAT) {
        atom_string(atom, to, WORD);
    } else if (number > -1e15 && number < 1e15 && (t_float)(long long)number == number) {
        snprintf(to, WORD, "%lld", (long long)number);
    } else {
        do {
            snprintf(to, WORD, "%.*g", digits, (double)number);
        } while ((t_float)strtod(to, NULL) != number && ++digits <= 17);
    }
}

/* The words with spaces between them. A symbol stays as it is, with all that it holds. */
static char *text_of(int argc, const t_atom *argv)
{
    size_t capacity = 1;
    char *text, *end;
    int i;

    for (i = 0; i < argc; i++) {
        capacity += 1 + (argv[i].a_type == A_SYMBOL ? strlen(argv[i].a_w.w_symbol->s_name) : WORD);
    }
    text = end = calloc(capacity, 1);
    for (i = 0; text != NULL && i < argc; i++) {
        if (i > 0) {
            *end++ = ' ';
        }
        if (argv[i].a_type == A_SYMBOL) {
            strcpy(end, argv[i].a_w.w_symbol->s_name);
        } else {
            write_word(end, &argv[i]);
        }
        end += strlen(end);
    }
    return text;
}

/* How many byte strings these atoms are; 0: they are something else. */
static size_t byte_strings(int argc, const t_atom *argv)
{
    size_t count = 0;
    int i;

    for (i = 0; i < argc; i++) {
        t_float number = atom_getfloat(&argv[i]);

        if (argv[i].a_type == A_SYMBOL && strcmp(argv[i].a_w.w_symbol->s_name, "bytes") == 0) {
            count++;
        } else if (count == 0 || argv[i].a_type != A_FLOAT || !(number >= 0 && number <= 255)) {
            return 0;
        }
    }
    return count;
}

/* The list and, behind it, the bytes. */
static socketio_bytes_t *bytes_of(size_t count, int argc, const t_atom *argv)
{
    socketio_bytes_t *list = calloc(1, count * sizeof *list + (size_t)argc);
    uint8_t *end = (uint8_t *)(list + count);
    size_t begun = 0;
    int i;

    for (i = 0; list != NULL && i < argc; i++) {
        if (argv[i].a_type == A_SYMBOL) {
            list[begun++].ptr = end;
        } else {
            *end++ = (uint8_t)argv[i].a_w.w_float;
            list[begun - 1].len++;
        }
    }
    return list;
}

/* Where a text may stand, too, the word `bytes` alone is one. Whether a value is right is for the plugin to say. It does, in words, when the node is pulsed. */
socketio_value_t value_from_atoms(const socketio_field_desc_t *field, int argc, const t_atom *argv, void **memory)
{
    int is_float = argc == 1 && argv->a_type == A_FLOAT;
    int is_whole = field->type == SOCKETIO_TYPE_INT;
    int takes_bytes = field->type == SOCKETIO_TYPE_BYTES || field->type == SOCKETIO_TYPE_BYTES_LIST
                      || ((field->flags & SOCKETIO_FIELD_BYTES_TOO) != 0 && argc > 1);
    size_t count = takes_bytes ? byte_strings(argc, argv) : 0;
    socketio_value_t value = {.type = SOCKETIO_TYPE_NONE};
    char *end;

    *memory = NULL;
    if (argc == 0) {
        return value;
    }
    if (is_float && field->type == SOCKETIO_TYPE_BOOL) {
        value.type = SOCKETIO_TYPE_BOOL;
        value.as.boolean = argv->a_w.w_float != 0;
    } else if (is_float && field->choices != NULL) {
        value.type = SOCKETIO_TYPE_INT;
        value.as.integer = atom_getint(argv);
    } else if (is_float && (is_whole || field->type == SOCKETIO_TYPE_FLOAT)) {
        /* As a decimal reads it: 0.1 is meant, not 0.10000000149. */
        char number[WORD];

        write_word(number, argv);
        value.type = SOCKETIO_TYPE_FLOAT;
        value.as.number = strtod(number, NULL);
    } else if (count > 0) {
        *memory = bytes_of(count, argc, argv);
        value.type = SOCKETIO_TYPE_BYTES_LIST;
        if (count == 1 && field->type != SOCKETIO_TYPE_BYTES_LIST) {
            value.type = SOCKETIO_TYPE_BYTES;
        }
        if (*memory == NULL) {
            value.type = SOCKETIO_TYPE_NONE;
        } else if (value.type == SOCKETIO_TYPE_BYTES) {
            value.as.bytes = *(socketio_bytes_t *)*memory;
        } else {
            value.as.bytes_list.ptr = *memory;
            value.as.bytes_list.len = count;
        }
    } else if ((*memory = text_of(argc, argv)) != NULL) {
        value.type = SOCKETIO_TYPE_STRING;
        value.as.string.ptr = *memory;
        value.as.string.len = strlen(*memory);
        if (is_whole && value.as.string.len > 0) {
            long long whole = strtoll(*memory, &end, 10);

            if (*end == 0) {
                value.type = SOCKETIO_TYPE_INT;
                value.as.integer = whole;
            }
        }
    }
    return value;
}

static void whole_to_outlet(t_outlet *outlet, int64_t whole)
{
    char digits[WORD];

    /* Above this, two neighbours may be the same float. */
    if (whole >= -(1 << 24) && whole <= 1 << 24) {
        outlet_float(outlet, (t_float)whole);
    } else {
        snprintf(digits, sizeof digits, "%lld", (long long)whole);
        outlet_symbol(outlet, gensym(digits));
    }
}

static void bytes_to_outlet(t_outlet *outlet, const socketio_bytes_t *list, size_t count)
{
    t_symbol *selector = gensym("bytes");
    size_t atoms = 0, i, j;
    t_atom *argv, *end;

    for (i = 0; i < count; i++) {
        atoms += 1 + list[i].len;
    }
    if (atoms == 0) {
        outlet_list(outlet, &s_list, 0, NULL);
        return;
    }
    argv = end = atoms <= INT32_MAX ? malloc(atoms * sizeof *argv) : NULL;
    if (argv == NULL) {
        pd_error(NULL, "socketio: no memory for a list of %zu numbers", atoms);
        return;
    }
    for (i = 0; i < count; i++) {
        SETSYMBOL(end, selector);
        end++;
        for (j = 0; j < list[i].len; j++, end++) {
            SETFLOAT(end, list[i].ptr[j]);
        }
    }
    outlet_anything(outlet, selector, (int)atoms - 1, argv + 1);
    free(argv);
}

void value_to_outlet(t_outlet *outlet, const socketio_value_t *value)
{
    switch (value->type) {
    case SOCKETIO_TYPE_BOOL:
        outlet_float(outlet, value->as.boolean);
        break;
    case SOCKETIO_TYPE_INT:
        whole_to_outlet(outlet, value->as.integer);
        break;
    case SOCKETIO_TYPE_FLOAT:
        outlet_float(outlet, (t_float)value->as.number);
        break;
    case SOCKETIO_TYPE_STRING:
    case SOCKETIO_TYPE_JSON:
        outlet_symbol(outlet, gensym(value->as.string.len > 0 ? value->as.string.ptr : ""));
        break;
    case SOCKETIO_TYPE_BYTES:
        bytes_to_outlet(outlet, &value->as.bytes, 1);
        break;
    case SOCKETIO_TYPE_BYTES_LIST:
        bytes_to_outlet(outlet, value->as.bytes_list.ptr, value->as.bytes_list.len);
        break;
    default:
        break;
    }
}
