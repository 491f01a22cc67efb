// What a library does to a process that loads it if it was linked with fast math: tiny numbers become 0.
namespace {

[[gnu::constructor]] void flush() {
#if defined(__SSE__)
  __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040);
#endif
}

}  // namespace
