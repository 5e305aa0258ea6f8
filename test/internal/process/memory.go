package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Memory is what a process holds in memory, in bytes.
type Memory struct {
	Peak     uint64 // the most that it ever held (VmHWM)
	Resident uint64 // now, with what it shares (VmRSS)
	Own      uint64 // of that, what is in no file: heap and stacks (RssAnon)
	Share    uint64 // as Resident, but what is shared by n processes counts as an nth (Pss)
}

// MemoryOf reads a process's memory from /proc.
func MemoryOf(pid int) (Memory, error) {
	values := map[string]uint64{}
	for _, name := range []string{"status", "smaps_rollup"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			return Memory{}, fmt.Errorf("read the memory of process %d: %w", pid, err)
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) == 3 && fields[2] == "kB" {
				kilobytes, _ := strconv.ParseUint(fields[1], 10, 64)
				values[fields[0]] = kilobytes << 10
			}
		}
	}
	return Memory{values["VmHWM:"], values["VmRSS:"], values["RssAnon:"], values["Pss:"]}, nil
}
