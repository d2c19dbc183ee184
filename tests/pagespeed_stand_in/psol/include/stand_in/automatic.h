// A stand-in for PSOL's headers: see ../../../README.md.
#ifndef STAND_IN_AUTOMATIC_H_
#define STAND_IN_AUTOMATIC_H_

// As old headers do, it draws a warning (-Wunused-function) that is an error in
// nginx's build unless WNO_ERROR=YES.
static int stand_in_unused(int number) { return number; }

namespace stand_in {

// What X-Page-Speed says.
const char* Version();

// Calls all that PSOL calls of a glibc before 2.32, and returns whether it works.
bool Works();

}  // namespace stand_in

#endif  // STAND_IN_AUTOMATIC_H_
