package load

import (
	"context"
	"os"
	"syscall"
	"time"
	"unsafe"
)

// sleeper wakes at the microsecond. Timers of Go wake at the millisecond where a
// process is idle, and this would be the greatest part of a short latency.
type sleeper struct {
	timer *os.File // a timerfd, at which the netpoller waits
	stop  func() bool
}

// newSleeper makes a sleeper that does not sleep once ctx has ended.
func newSleeper(ctx context.Context) (*sleeper, error) {
	const monotonic = 1
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, monotonic, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		return nil, os.NewSyscallError("timerfd_create", errno)
	}
	timer := os.NewFile(fd, "timerfd")
	stop := context.AfterFunc(ctx, func() { _ = timer.SetReadDeadline(time.Unix(1, 0)) }) // fails once it is closed alone
	return &sleeper{timer: timer, stop: stop}, nil
}

// sleep reports whether it slept all the time.
func (s *sleeper) sleep(d time.Duration) bool {
	spec := struct{ interval, value syscall.Timespec }{value: syscall.NsecToTimespec(max(int64(d), 1))}
	control, err := s.timer.SyscallConn()
	if err != nil {
		return false
	}
	var errno syscall.Errno
	if err := control.Control(func(fd uintptr) {
		_, _, errno = syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, fd, 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	}); err != nil || errno != 0 {
		return false
	}
	var expirations [8]byte
	_, err = s.timer.Read(expirations[:])
	return err == nil
}

func (s *sleeper) close() {
	s.stop()
	_ = s.timer.Close()
}
