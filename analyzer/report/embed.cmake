# Writes OUT, a .cpp with the page's files as strings: cmake -DFOLDER=… -DSCRIPTS=a.js;b.js -DOUT=… -P
# (g++ 12 has no #embed). The hashes are for the page's Content-Security-Policy.
function(embed name text)
  if(text MATCHES "[^\t\n -~]")
    message(FATAL_ERROR "${name}: other characters than ASCII; write them as escapes")
  endif()
  # In pieces: no compiler has to take a longer literal than 8 KiB.
  string(LENGTH "${text}" length)
  set(literal "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND literal "\n    R\"~~~(${piece})~~~\"")
    math(EXPR at "${at} + 8000")
  endwhile()
  set(definition "const std::string_view ${name} = ${literal};\n")
  set(definitions "${definitions}${definition}" PARENT_SCOPE)
endfunction()

set(definitions "")
file(READ ${FOLDER}/page.html page)
file(READ ${FOLDER}/page.css style)
set(script "")
foreach(name ${SCRIPTS})
  file(READ ${FOLDER}/${name} text)
  string(APPEND script "${text}")
endforeach()
string(SHA256 style_hash "${style}")
string(SHA256 script_hash "${script}")
embed(kPage "${page}")
embed(kStyle "${style}")
embed(kScript "${script}")
embed(kStyleSha256 "${style_hash}")
embed(kScriptSha256 "${script_hash}")
file(WRITE ${OUT} "// Written by analyzer/report/embed.cmake.\n#include \"analyzer/page_source.h\"\n
namespace ftpscope::page_source {\n
${definitions}
}  // namespace ftpscope::page_source\n")
