#include "analyzer/setup_form.h"

#include <algorithm>
#include <array>

namespace ftpscope {

namespace {

// In the order of Setup.
constexpr auto kForms = std::to_array<SetupForm>({
    {Setup::port, "PORT", false, AddressForm::port, true},
    {Setup::eprt, "EPRT", false, AddressForm::eprt, false},
    {Setup::lprt, "LPRT", false, AddressForm::lprt, false},
    {Setup::pasv, "PASV", true, AddressForm::reply_227, true},
    {Setup::epsv, "EPSV", true, AddressForm::reply_229, false},
    {Setup::lpsv, "LPSV", true, AddressForm::reply_228, false},
});
static_assert(kForms.size() == kSetups);

}  // namespace

const SetupForm& form_of(Setup setup) { return kForms.at(index_of(setup)); }

Setup setup_of(AddressForm form) {
  return std::ranges::find(kForms, form, &SetupForm::form)->setup;
}

std::optional<Setup> setup_of_verb(std::string_view verb) {
  const auto found = std::ranges::find(kForms, verb, &SetupForm::verb);
  return found == kForms.end() ? std::nullopt : std::optional(found->setup);
}

std::span<const SetupForm> all_setups() { return kForms; }

bool refuses_for_good(int code) { return code >= 500 && code < 600 && code != 530 && code != 503; }

}  // namespace ftpscope
