// libcrypto of OpenSSL, for the SHA-256 of payloads and the names in certificates.
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "proxy/io/late_library.h"

namespace {
constexpr ftpscope::LateLibrary kCrypto{"libcrypto.so.3", "libssl3"};
}

EVP_MD_CTX* EVP_MD_CTX_new() { return kCrypto.get<EVP_MD_CTX_new>(__func__)(); }

void EVP_MD_CTX_free(EVP_MD_CTX* digest) { kCrypto.get<EVP_MD_CTX_free>(__func__)(digest); }

const EVP_MD* EVP_sha256() { return kCrypto.get<EVP_sha256>(__func__)(); }

int EVP_DigestInit_ex(EVP_MD_CTX* digest, const EVP_MD* kind, ENGINE* engine) {
  return kCrypto.get<EVP_DigestInit_ex>(__func__)(digest, kind, engine);
}

int EVP_DigestUpdate(EVP_MD_CTX* digest, const void* bytes, size_t size) {
  return kCrypto.get<EVP_DigestUpdate>(__func__)(digest, bytes, size);
}

int EVP_DigestFinal_ex(EVP_MD_CTX* digest, unsigned char* sum, unsigned int* size) {
  return kCrypto.get<EVP_DigestFinal_ex>(__func__)(digest, sum, size);
}

X509* d2i_X509(X509** into, const unsigned char** bytes, long size) {
  return kCrypto.get<d2i_X509>(__func__)(into, bytes, size);
}

void X509_free(X509* certificate) { kCrypto.get<X509_free>(__func__)(certificate); }

void* X509_get_ext_d2i(const X509* certificate, int kind, int* critical, int* at) {
  return kCrypto.get<X509_get_ext_d2i>(__func__)(certificate, kind, critical, at);
}

X509_NAME* X509_get_subject_name(const X509* certificate) {
  return kCrypto.get<X509_get_subject_name>(__func__)(certificate);
}

int X509_NAME_get_index_by_NID(const X509_NAME* name, int kind, int behind) {
  return kCrypto.get<X509_NAME_get_index_by_NID>(__func__)(name, kind, behind);
}

X509_NAME_ENTRY* X509_NAME_get_entry(const X509_NAME* name, int at) {
  return kCrypto.get<X509_NAME_get_entry>(__func__)(name, at);
}

ASN1_STRING* X509_NAME_ENTRY_get_data(const X509_NAME_ENTRY* entry) {
  return kCrypto.get<X509_NAME_ENTRY_get_data>(__func__)(entry);
}

const unsigned char* ASN1_STRING_get0_data(const ASN1_STRING* text) {
  return kCrypto.get<ASN1_STRING_get0_data>(__func__)(text);
}

int ASN1_STRING_length(const ASN1_STRING* text) {
  return kCrypto.get<ASN1_STRING_length>(__func__)(text);
}

void GENERAL_NAMES_free(GENERAL_NAMES* names) { kCrypto.get<GENERAL_NAMES_free>(__func__)(names); }

// Behind the macros for lists, as in sk_GENERAL_NAME_num.
int OPENSSL_sk_num(const OPENSSL_STACK* list) {
  return kCrypto.get<OPENSSL_sk_num>(__func__)(list);
}

void* OPENSSL_sk_value(const OPENSSL_STACK* list, int at) {
  return kCrypto.get<OPENSSL_sk_value>(__func__)(list, at);
}
