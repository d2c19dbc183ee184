// A stand-in for pagespeed_automatic.a: see ../README.md. It includes no header
// of the system, so that any compiler makes it for both architectures.

#include "include/stand_in/automatic.h"

extern "C" {
int pthread_mutex_consistent_np(void* mutex);
int pthread_mutexattr_setrobust_np(void* attributes, int robust);
int pthread_yield(void);
extern const char* const sys_siglist[65];
}

namespace stand_in {

const char* Version() { return "1.13.35.2-stand-in"; }

bool Works() {
  // Room for a pthread_mutexattr_t of any architecture; the call that wants a
  // mutex whose owner died is linked, and not made.
  alignas(16) char attributes[64] = {0};
  volatile bool never = false;
  if (never) pthread_mutex_consistent_np(attributes);
  return pthread_mutexattr_setrobust_np(attributes, 1) == 0 &&
         pthread_yield() == 0 && sys_siglist[15][0] == 'T';
}

}  // namespace stand_in
