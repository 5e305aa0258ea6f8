package proc

import (
	"bytes"
	"os"
	"strconv"
)

// ReadPid gives the process id in a pid file, 0 if there is none: a
// configuration test leaves an empty file.
func ReadPid(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(string(bytes.TrimSpace(text)))
	if err != nil || pid <= 1 {
		return 0
	}
	return pid
}
