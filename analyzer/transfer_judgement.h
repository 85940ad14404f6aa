// What is odd about a transfer that is over. Knows that transfer and the sizes that were told
// before; transfer_rules.h collects both.
#pragma once

#include "analyzer/transfer.h"

namespace ftpscope {

// Tells what its data and its final reply say together. Asked once, when both are there, or when
// what is missing will not come any more.
void judge(const Transfer& transfer, const KnownSizes& sizes, FindingSink& findings);

// A size that the server tells of a file that was uploaded before.
void judge_told_size(const KnownSizes::Entry& uploaded, const KnownSizes::Entry& told, CommandId to,
                     FindingSink& findings);

// "RETR, by the client after 10 bytes": how the data ended.
std::string cut_text(const Transfer& transfer);

}  // namespace ftpscope
