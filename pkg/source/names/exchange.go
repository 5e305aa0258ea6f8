package names

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

const (
	// timeout is for one question to one server.
	timeout = 2 * time.Second
	// maxUDP is more than a server may send that was not told of larger packets.
	maxUDP = 4096
)

// exchange sends a query and hands what comes back to ours, until that says that it
// was the response. Its error is passed on.
type exchange func(ctx context.Context, network string, server netip.AddrPort, query []byte, ours func([]byte) (bool, error)) error

// byNetwork is the exchange with a DNS server. The port that it sends from is another
// one each time.
func byNetwork(ctx context.Context, network string, server netip.AddrPort, query []byte, ours func([]byte) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, server.String())
	if err != nil {
		return plain(err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	receive := func() ([]byte, error) {
		packet := make([]byte, maxUDP)
		n, err := conn.Read(packet)
		return packet[:n], err
	}
	if network == "tcp" {
		query = append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
		receive = func() ([]byte, error) {
			var size [2]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return nil, err
			}
			packet := make([]byte, binary.BigEndian.Uint16(size[:]))
			_, err := io.ReadFull(conn, packet)
			return packet, err
		}
	}
	if _, err := conn.Write(query); err != nil {
		return plain(err)
	}
	for {
		packet, err := receive()
		if err != nil {
			return plain(err)
		}
		if done, err := ours(packet); done {
			return err
		}
	}
}

// plain leaves of a network's error what went wrong: the address is known, and the own
// port differs each time.
func plain(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", timeout)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// servers are those to ask.
func (r *Resolver) servers() ([]netip.AddrPort, error) {
	if r.Servers != nil {
		return r.Servers, nil
	}
	path := r.ResolvConf
	if path == "" {
		path = "/etc/resolv.conf"
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("find DNS servers: %w", err)
	}
	defer f.Close()
	const atMost = 3 // as resolv.conf(5) has it
	var servers []netip.AddrPort
	for lines := bufio.NewScanner(io.LimitReader(f, 64<<10)); lines.Scan() && len(servers) < atMost; {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if addr, err := netip.ParseAddr(words[1]); err == nil {
			servers = append(servers, netip.AddrPortFrom(addr, 53))
		}
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("find DNS servers: there is no line with nameserver in %s", path)
	}
	return servers, nil
}
