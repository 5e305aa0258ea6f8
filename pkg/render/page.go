package render

import (
	"slices"

	"github.com/30x/dispatcher/pkg/render/keyed"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Page is what the templates see. Its fields and methods, and those of what it
// holds, are the contract with an operator's own templates. What stands there
// for every host, location or Pod is flat and of plain types, because looking
// up methods and embedded fields is most of a template's work.
type Page struct {
	Params
	Generation  string
	Servers     []Server
	CatchAll    *Server // for hosts that nobody declares; nil: they get no answer
	PathDepths  []int   // numbers of segments that target paths replace: one map each
	KeySegments []int   // which segments of paths are keys, from 1: one map each
	HasWildcard bool
	HasKeyHost  bool // the left-most label of a host is a key
	HasOutside  bool // a Rule is Outside
	HasHTTPS    bool // a Rule has a Name to Verify
	HasHosts    bool // a Rule has a BackendHost
	// Sizes for server_names_hash_bucket_size and …_max_size, from the names.
	NamesHashBucketSize, NamesHashMaxSize int
	// Sizes for variables_hash_… and map_hash_…; a bucket size of 0: nginx's own.
	VariablesHashBucketSize, VariablesHashMaxSize int
	MapHashBucketSize, MapHashMaxSize             int
	// CheckZone is the size of the memory for health checks in kilobytes, with
	// room for each server; 0 if there are no checks.
	CheckZone int
	// DefaultTLS is for the default TLS server; nil: no host is served over TLS.
	DefaultTLS *TLS
	// ListenHTTP and ListenTLS are arguments of listen directives.
	ListenHTTP, ListenTLS []string

	zone      int // of the memory for endpoints, in kilobytes
	variables int // that keys need
	files     []CertificateFile
	header    string      // nginx's variable for the header with the API key
	keys      []value.Key // by the number in their placeholder
	numbers   map[value.Key]int
}

func newPage(t *route.Table, p Params) *Page {
	page := &Page{Params: p, Generation: placeholder, header: p.APIKeyVariable(), numbers: map[value.Key]int{}, Servers: make([]Server, 0, len(t.Hosts)), ListenHTTP: p.ListenAddresses()}
	if p.Default != nil {
		tls := page.addPair(defaultFolder, p.Default)
		page.DefaultTLS, page.ListenTLS = &tls, p.SSLListenAddresses()
	}
	if p.Dynamic != nil {
		dynamic := *p.Dynamic
		dynamic.Room = max(dynamic.Room, RoomFor(t.Counts()))
		page.zone = dynamic.ZoneSize()
	}
	longest := 0
	for _, h := range t.Hosts {
		if isCatchAll(h) {
			page.addCatchAll(h)
			continue
		}
		page.Servers = append(page.Servers, page.server(h))
		page.HasWildcard = page.HasWildcard || h.Name.Wildcard()
		longest = max(longest, len(h.Name.String()))
	}
	slices.Sort(page.PathDepths)
	slices.Sort(page.KeySegments)
	page.NamesHashBucketSize, page.NamesHashMaxSize = hashSizes(len(page.Servers), longest)
	page.VariablesHashBucketSize, page.VariablesHashMaxSize = variableSizes(page.variables)
	return page
}

// addKeyed lays out the keys of a location, and notes what they need.
func (page *Page) addKeyed(l *route.Location) *keyed.Keyed {
	depth := l.Path.Segments()
	k := keyed.New(l.Upstream, depth, page.Dynamic != nil)
	switch key := l.Upstream.Keyed.Key; key.Kind() {
	case value.KeySegment:
		addNumber(&page.KeySegments, depth+key.Segment())
	case value.KeyHost:
		page.HasKeyHost = true
	}
	page.variables += 1 + 2*len(k.Overrides)
	if len(k.Overrides) > 0 {
		page.MapHashBucketSize, page.MapHashMaxSize = keyed.MapBucket, keyed.MapSize
	}
	return k
}

func addNumber(numbers *[]int, n int) {
	if !slices.Contains(*numbers, n) {
		*numbers = append(*numbers, n)
	}
}
