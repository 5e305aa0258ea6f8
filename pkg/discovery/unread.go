package discovery

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
)

// unread says how many bytes the sockets that are connected to local hold that
// nobody has read yet, as the kernel counts them. Only Linux tells, of the sockets
// in the same network namespace.
func unread(local netip.AddrPort) map[netip.AddrPort]int {
	table := "/proc/net/udp"
	if local.Addr().Is6() {
		table += "6"
	}
	text, err := os.ReadFile(table)
	if err != nil {
		return nil
	}
	return parseSockets(text, local)
}

// parseSockets reads the lines "sl: local_address rem_address st tx_queue:rx_queue
// …", all in hexadecimal.
func parseSockets(table []byte, remote netip.AddrPort) map[netip.AddrPort]int {
	found := map[netip.AddrPort]int{}
	for line := range bytes.Lines(table) {
		f := bytes.Fields(line)
		if len(f) < 5 {
			continue
		}
		if to, ok := parseSocket(f[2]); !ok || to != remote {
			continue
		}
		_, queue, _ := bytes.Cut(f[4], []byte(":"))
		n, err := strconv.ParseUint(string(queue), 16, 31)
		if from, ok := parseSocket(f[1]); ok && err == nil {
			found[from] = int(n)
		}
	}
	return found
}

// parseSocket reads an address as the kernel writes it: numbers of 32 bits, with
// their bytes in the machine's order, and the port.
func parseSocket(text []byte) (netip.AddrPort, bool) {
	host, port, _ := bytes.Cut(text, []byte(":"))
	var raw [16]byte
	if len(host) != 8 && len(host) != 32 {
		return netip.AddrPort{}, false
	}
	n, err := hex.Decode(raw[:], host)
	if err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < n; i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, _ := netip.AddrFromSlice(raw[:n])
	p, err := strconv.ParseUint(string(port), 16, 16)
	return netip.AddrPortFrom(addr, uint16(p)), err == nil
}
