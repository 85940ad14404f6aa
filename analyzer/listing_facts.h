// What a line of a listing says about a file, without what differs between two listings of the same
// files: dates, inode numbers, owners, the width of columns. For comparing listings, and for
// nothing else: the form of LIST is no standard (RFC 959 4.1.3), so this knows the forms that
// servers have.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ftpscope {

// A line without its end. Empty: it tells of no file ("total 12"). Of
// - `ls -l` (and its forms with ISO dates): "file 120 name", "dir name", "link name -> target";
// - the form of MS-DOS: the same;
// - MLSD and MLST (RFC 3659 7.2): its facts in the order of their names, without times, `unique`
// and
//   the sizes of directories: "size=120;type=file; name";
// - anything else (NLST): the line.
std::string listing_fact(std::string_view line);

// Of a whole listing, sorted: the order of a listing says nothing.
std::vector<std::string> listing_facts(std::string_view listing);

}  // namespace ftpscope
