// A recording that is played.
#pragma once

#include "analyzer/findings/words.h"

namespace ftpscope::findings {

// clang-format off
inline constexpr auto kReplay = std::to_array<FindingRow>({
    {replay_unmatched, "FTP-REPLAY-UNMATCHED", warning, kClient, "--match",
     "the client said what the recording does not have",
     "To a replayed server the client said a command that the recording does not have, or does not"
     " have there (--match strict). The detail says which, and what the recorded client said next."
     " What the client got for it is decided by --unmatched.",
     "If the client is to be tested against that server: it does something else than the recorded "
     "one did, and this is where. If it only goes about it in another order: --match state."},
    {replay_upload_differs, "FTP-REPLAY-UPLOAD-DIFFERS", warning, kClient, "--record",
     "an upload differs from the recorded one",
     "To a replayed server the client sent other bytes than the recorded client did. The detail "
     "says how many there were and where the first difference is. It was accepted all the same.",
     "Compare the two files. A difference in every line's end comes from TYPE A on one side and "
     "TYPE I on the other; a shorter upload was broken off."},
});
// clang-format on

}  // namespace ftpscope::findings
