package kube

import (
	"errors"
	"net"
	"sync"
	"time"
)

// wire is a listener whose connections a test can spoil: all that is said on them
// goes through here. Its methods may be called at any time.
type wire struct {
	addr     net.Addr
	accepted chan net.Conn
	closed   chan struct{}

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	strands  map[*strand]bool
	state    condition
	changed  chan struct{} // closed when state changes
	opened   int           // connections so far
}

// condition is what a wire is in.
type condition struct {
	frozen bool          // nothing passes now, and all of it later
	lost   bool          // nothing passes, now or ever, on what is open or is opened now
	chunk  int           // bytes towards the client at a time; 0: any number
	pause  time.Duration // between two chunks
}

// newWire listens at an address.
func newWire(address string) (*wire, error) {
	w := &wire{accepted: make(chan net.Conn), closed: make(chan struct{}), strands: map[*strand]bool{}, changed: make(chan struct{})}
	if err := w.listen(address); err != nil {
		return nil, err
	}
	w.addr = w.listener.Addr()
	return w, nil
}

// listen begins to take connections. The caller has the lock, or the wire alone.
func (w *wire) listen(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	w.listener = listener
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return // refuse or Close
			}
			select {
			case w.accepted <- w.strand(c):
			case <-w.closed:
				_ = c.Close()
				return
			}
		}
	}()
	return nil
}

func (w *wire) strand(c net.Conn) *strand {
	s := &strand{Conn: c, w: w, ended: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened++
	w.strands[s] = true
	s.lost = w.state.lost
	return s
}

// Accept gives the next connection.
func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.accepted:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Addr is where the wire listens.
func (w *wire) Addr() net.Addr { return w.addr }

// Close ends it, and all connections.
func (w *wire) Close() error {
	w.mu.Lock()
	select {
	case <-w.closed:
	default:
		close(w.closed)
		if w.listener != nil {
			_ = w.listener.Close()
		}
	}
	w.mu.Unlock()
	w.reset()
	return nil
}

// reset cuts all connections with a reset.
func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.strands {
		s.reset()
	}
}

// refuse cuts all connections and lets no other in: the server is gone.
func (w *wire) refuse() {
	w.mu.Lock()
	if w.listener != nil {
		_ = w.listener.Close()
		w.listener = nil
	}
	w.mu.Unlock()
	w.reset()
}

// freeze stops what passes, in both directions, without a sign; mend lets it go on.
func (w *wire) freeze() { w.set(condition{frozen: true}) }

// lose makes connections silent for ever, those that are open and those that are
// opened until mend: nothing comes, and nothing says so.
func (w *wire) lose() {
	w.mu.Lock()
	for s := range w.strands {
		s.lost = true
	}
	w.mu.Unlock()
	w.set(condition{lost: true})
}

// trickle lets so many bytes pass towards the client, again and again.
func (w *wire) trickle(chunk int, pause time.Duration) { w.set(condition{chunk: chunk, pause: pause}) }

// mend makes the wire whole again; what is lost stays so.
func (w *wire) mend() error {
	w.mu.Lock()
	var err error
	if w.listener == nil {
		err = w.listen(w.addr.String())
	}
	w.mu.Unlock()
	w.set(condition{})
	return err
}

func (w *wire) set(c condition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state = c
	close(w.changed)
	w.changed = make(chan struct{})
}

// connections counts those that were opened so far.
func (w *wire) connections() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opened
}

// strand is one connection of a wire.
type strand struct {
	net.Conn
	w     *wire
	lost  bool // guarded by the wire's lock
	once  sync.Once
	ended chan struct{}
}

var errEnded = errors.New("the test has cut the connection")

// pass waits until something may pass, and says whether it is lost, and how to pass.
func (s *strand) pass() (lost bool, how condition, err error) {
	for {
		s.w.mu.Lock()
		lost, how, changed := s.lost, s.w.state, s.w.changed
		s.w.mu.Unlock()
		if lost || !how.frozen {
			return lost, how, nil
		}
		select {
		case <-changed:
		case <-s.ended:
			return false, how, errEnded
		}
	}
}

func (s *strand) Read(p []byte) (int, error) {
	n, err := s.Conn.Read(p)
	lost, _, ended := s.pass()
	if lost { // also the news that the peer has gone
		<-s.ended
		ended = errEnded
	}
	if ended != nil {
		return 0, ended
	}
	return n, err
}

func (s *strand) Write(p []byte) (n int, err error) {
	for n < len(p) {
		lost, how, err := s.pass()
		if err != nil {
			return n, err
		}
		if lost {
			return len(p), nil
		}
		part := p[n:]
		if how.chunk > 0 {
			part = part[:min(how.chunk, len(part))]
			select {
			case <-time.After(how.pause):
			case <-s.ended:
				return n, errEnded
			}
		}
		done, err := s.Conn.Write(part)
		n += done
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Close closes the connection; the client of a lost one is not told.
func (s *strand) Close() error {
	s.once.Do(func() { close(s.ended) })
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	select {
	case <-s.w.closed:
	default:
		if s.lost {
			return nil // closed with the wire
		}
	}
	delete(s.w.strands, s)
	return s.Conn.Close()
}

// reset closes it rudely. The caller has the wire's lock.
func (s *strand) reset() {
	s.once.Do(func() { close(s.ended) })
	if c, ok := s.Conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = s.Conn.Close()
	delete(s.w.strands, s)
}
