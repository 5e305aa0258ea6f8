// Package kube tests the whole program against a real API server. Objects enter
// as kubectl, controllers and a kubelet write them; the real dispatcher binary
// watches them with the rights that deploy/base grants, runs the real nginx, and
// HTTP requests ask which Pod answered. It never talks to any other cluster than
// the one it starts.
//
// A scenario is a few lines:
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		s := begin(t)                    // the package's API server; the first test starts it
//		shop := s.namespace("shop")      // routable and fresh; serves shop.host
//		web := shop.pod("web", "/app")   // Pending; its server is up already
//		d := s.dispatcher()              // ready, under its own ServiceAccount
//		d.Answers(shop.host, "/app", 404) // nobody serves this path yet
//		web.run()                        // Running and Ready, as a kubelet says it
//		d.Serves(shop.host, "/app", "web")
//		shop.annotate(hostsKey, `{"other.example.com": {}}`)
//		d.Serves("other.example.com", "/app", "web")
//		web.terminate()                  // until vanish it is Terminating
//		d.Answers("other.example.com", "/app", 404)
//	}
//
// Dispatchers watch all Namespaces, those of parallel tests too: a test's hosts
// must be its own. What controllers make of Deployments and the like needs
// s.controllers(), and a kubelet for their Pods: shop.kubelet(). s.kubectl runs
// kubectl. Names of Pods are unique in a test.
//
// # Outages
//
// A scenario of an outage (outage_*_test.go) has a stage: traffic that nothing may
// disturb, changes that are made meanwhile, and a limit for them to be live after.
//
//	func TestOutageSomething(t *testing.T) {
//		t.Parallel()
//		st, g := behind(t)                 // a stage, and a gate before the API server
//		g.refuse()                         // something goes wrong
//		st.notices("can't be reached")     // Dispatcher says so, and stays ready
//		st.change()                        // Pods, keys and Namespaces come and go
//		st.goesOn(3 * time.Second)         // the traffic does, for so long
//		st.must(g.mend())
//		st.returns(5 * time.Second)        // all of that is live, so soon
//	}
//
// From the beginning to the end "/steady" must answer, and what demands a key, or will
// after the change, must not be reached without. A gate can reset, refuse, lose,
// freeze and trickle; g.rule holds up or refuses requests for one resource, and g.lead
// leads to another API server. behindAs gives Dispatcher an account whose rules and
// token a test may change; setClock sets the clock of one process. What breaks a
// server is a part of TestOutageServer, which has a cluster of its own with two API
// servers: the second may be killed, and its way to etcd spoilt like a gate. Add a
// new kind of fault to fault_list_test.go: TestChaos will then choose it, too.
//
// CHAOSTIME says how long TestChaos lasts (10m), and CHAOSSEED makes it choose again
// what it chose in a run that has printed that seed.
//
// KUBEBUILDER_ASSETS names the folder with the cluster's programs; "make test"
// sets it to what scripts/kube-assets.sh builds. NGINX_BINARY names another
// nginx, and DISPATCHER_BINARY a Dispatcher that is already built.
package kube
