// libpcap, for --filter of captures.
#include <pcap/pcap.h>

#include "proxy/io/late_library.h"

namespace {
constexpr ftpscope::LateLibrary kPcap{"libpcap.so.0.8", "libpcap0.8"};
}

pcap_t* pcap_open_dead(int link_type, int snap_length) {
  return kPcap.get<pcap_open_dead>(__func__)(link_type, snap_length);
}

int pcap_compile(pcap_t* capture, bpf_program* program, const char* text, int optimize,
                 bpf_u_int32 netmask) {
  return kPcap.get<pcap_compile>(__func__)(capture, program, text, optimize, netmask);
}

char* pcap_geterr(pcap_t* capture) { return kPcap.get<pcap_geterr>(__func__)(capture); }

int pcap_offline_filter(const bpf_program* program, const pcap_pkthdr* header,
                        const u_char* packet) {
  return kPcap.get<pcap_offline_filter>(__func__)(program, header, packet);
}

void pcap_freecode(bpf_program* program) { kPcap.get<pcap_freecode>(__func__)(program); }

void pcap_close(pcap_t* capture) { kPcap.get<pcap_close>(__func__)(capture); }
