# find_package(SocketIOPlugin) gives the target SocketIOPlugin::SocketIOPlugin: link it, and the header is found and the library
# linked. The folder may lie anywhere: all is found from this file on.

get_filename_component(SocketIOPlugin_FOLDER "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

# Where a studio or a host loads it from: plugin.json and the library.
set(SocketIOPlugin_LIBRARY "${SocketIOPlugin_FOLDER}/@LIBRARY@")
set(SocketIOPlugin_EXAMPLES "${SocketIOPlugin_FOLDER}/examples")

if(NOT EXISTS "${SocketIOPlugin_LIBRARY}")
    set(SocketIOPlugin_FOUND FALSE)
    set(SocketIOPlugin_NOT_FOUND_MESSAGE "\"${SocketIOPlugin_LIBRARY}\" is missing: unpack the whole archive")
    return()
endif()

if(NOT TARGET SocketIOPlugin::SocketIOPlugin)
    add_library(SocketIOPlugin::SocketIOPlugin SHARED IMPORTED)
    set_target_properties(SocketIOPlugin::SocketIOPlugin PROPERTIES
        IMPORTED_LOCATION "${SocketIOPlugin_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${SocketIOPlugin_FOLDER}/include"
@LINK@    )
endif()
