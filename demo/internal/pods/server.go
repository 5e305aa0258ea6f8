package pods

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"
)

// server answers at one address for whichever container has it now.
type server struct {
	who      atomic.Pointer[identity]
	leaving  time.Time // when its Pod went away; zero: it is there
	rooms    rooms
	listener net.Listener
	http     *http.Server
	cancel   context.CancelFunc // ends its WebSockets, which http.Server does not know
}

// listen starts a server that answers as id, until close or the end of ctx.
func listen(ctx context.Context, at netip.AddrPort, id *identity) (*server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", at.String())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &server{listener: listener, cancel: cancel}
	s.who.Store(id)
	s.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if id := s.who.Load(); id.env["APP"] == roomsApp {
				s.rooms.respond(w, r, id.env["HOSTNAME"])
			} else {
				id.respond(w, r)
			}
		}),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // clients that go away are no news
	}
	go func() { _ = s.http.Serve(listener) }() // ends with ErrServerClosed, by close
	return s, nil
}

func (s *server) close() {
	s.cancel()
	_ = s.http.Close()
	_ = s.listener.Close() // http.Server closes it only once Serve has begun
}
