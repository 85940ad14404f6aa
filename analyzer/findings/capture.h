// What a capture does not have.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kCapture = std::to_array<FindingRow>({
    {capture_damaged, "FTP-CAPTURE-DAMAGED", warning, kNetwork, "the capture",
     "a part of the capture file cannot be read",
     "A part of the capture file cannot be read: it was cut off while written, copied in text "
     "mode, or has a block with an impossible length. What stands before and behind was "
     "analysed; the damage record says where.",
     "Take the file again from where it was captured (scp or binary mode, not ASCII), or "
     "capture anew. If only the last packet is torn, because tcpdump was killed, nothing else "
     "is lost; stop tcpdump by Ctrl-C or SIGTERM, or use -U."},
    {capture_gap, "FTP-CAPTURE-GAP", warning, kNetwork, "the capture",
     "bytes of a control connection are not in the capture",
     "Bytes of a control connection were acknowledged by the receiver and are not in the "
     "capture: the capturing machine dropped packets, or they took another way. Commands or "
     "replies are missing, so what follows may be paired wrongly.",
     "Capture with a larger buffer and a filter (tcpdump -B 65536 -s 0 -w file 'host SERVER'),"
     " and watch `packets dropped by kernel`. At a mirror port or in a bonded link capture all"
     " of its lines."},
    {capture_overlap, "FTP-CAPTURE-OVERLAP", error, kNetwork, "RFC 9293 3.10.7.4",
     "the same bytes of a control connection were sent twice and differently",
     "The same place of the stream came twice with different bytes. A correct TCP never does "
     "that; it is a trick to show an inspecting device other commands than the server gets, or"
     " a broken device on the way. The bytes that came first were taken.",
     "Compare both texts in the overlap record. If they are commands, look at the sender as at"
     " an attacker. If it happens to everybody, look for a device that rewrites TCP (an "
     "accelerator, a NAT with inspection of FTP) and update it or take it out."},
    {capture_mid_stream, "FTP-CAPTURE-MID-STREAM", note, kNetwork, "the capture",
     "the capture begins in the middle of the session",
     "The session was running when the capture began: its greeting and login are not in it. "
     "What depends on them (who logged in, UTF-8, TYPE, an address asked for earlier) is not "
     "known and not judged.",
     "Start the capture first and the client after it. If the fault needs days to show, let "
     "tcpdump write a ring of files (-C, -W) and give all of them to ftpscope."},
    {capture_one_way, "FTP-CAPTURE-ONE-WAY", warning, kNetwork, "the capture",
     "the capture has one direction of the session only",
     "Only one direction of the session is in the capture. Replies without commands, or "
     "commands without replies, tell little: nothing can be paired. Usually the way back takes"
     " another route, or the mirror port copies one direction.",
     "Capture at one of the two machines, or mirror both directions (on switches: `both`, not "
     "rx or tx). A filter must not name src or dst: use `host`."},
    {capture_data_missing, "FTP-CAPTURE-DATA-MISSING", note, kNetwork, "the capture",
     "bytes of a data connection are not in the capture",
     "Bytes of a data connection are not in the capture, or the whole connection of a transfer "
     "that succeeded is not. The transfer itself may have been perfect: the capturing machine "
     "was too slow, saved the beginning of each packet only, or a filter (`port 21`) left the "
     "data out. Its file cannot be extracted whole, and sizes are not compared.",
     "If the file matters, capture by `host`, not by port, with -s 0 and a larger buffer (-B), "
     "close to the server or client, on a fast disk. For the dialogue alone nothing is to do."},
    {capture_limit, "FTP-CAPTURE-LIMIT", warning, kNetwork, "--max-flows",
     "a limit of the analysis was reached",
     "The analysis reached one of its limits (the detail says which), so a part of the capture"
     " was not looked at. The limits keep a capture made to exhaust memory from doing so.",
     "Raise the limit that is named, or cut the capture down to the session in question first:"
     " tcpdump -r big -w small 'host CLIENT', or editcap."},
});
// clang-format on

}  // namespace ftpscope::findings
