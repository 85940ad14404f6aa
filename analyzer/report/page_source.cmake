# The page of the HTML report becomes strings in the binary, anew whenever one of its files changes.
set(folder ${CMAKE_CURRENT_LIST_DIR})
set(scripts text.js model.js ladder.js events.js timeline.js sessions.js session_view.js
            page.js)  # in this order in the page
set(source ${CMAKE_BINARY_DIR}/page_source.cpp)
list(TRANSFORM scripts PREPEND ${folder}/ OUTPUT_VARIABLE script_files)
add_custom_command(
  OUTPUT ${source}
  COMMAND ${CMAKE_COMMAND} "-DFOLDER=${folder}" "-DSCRIPTS=${scripts}" "-DOUT=${source}"
          -P ${folder}/embed.cmake
  DEPENDS ${folder}/page.html ${folder}/page.css ${script_files} ${folder}/embed.cmake
  VERBATIM)
# Its scripts are longer than the 65,536 bytes that clang warns of.
set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
target_sources(ftpscope_analyzer PRIVATE ${source})
