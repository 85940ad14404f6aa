#include "proxy/io/certificate_names.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace ftpscope {

namespace {

std::string bytes_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

void add_common_name(const X509* certificate, std::vector<std::string>& names) {
  const auto* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return;
  names.push_back(bytes_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
}

}  // namespace

std::vector<std::string> certificate_names(std::string_view der, std::size_t most) {
  std::vector<std::string> names;
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      d2i_X509(nullptr, &bytes, static_cast<long>(der.size())), X509_free);
  if (!certificate) return names;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> others(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  const int count = others ? sk_GENERAL_NAME_num(others.get()) : 0;
  for (int i = 0; i < count && names.size() < most; ++i) {
    const auto* name = sk_GENERAL_NAME_value(others.get(), i);
    if (name->type == GEN_DNS) names.push_back(bytes_of(name->d.dNSName));
  }
  if (names.empty()) add_common_name(certificate.get(), names);
  return names;
}

}  // namespace ftpscope
