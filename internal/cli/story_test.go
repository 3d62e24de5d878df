package cli_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall-cli/rollcall/internal/providers/logintctest"
	"github.com/rollcall-cli/rollcall/internal/remote/remotetest"
)

// machine is one of CI: a folder, an environment, and commands that run in it.
type machine struct {
	t       *testing.T
	folder  string
	environ []string
}

// run runs a command and wants its exit code.
func (r *machine) run(code int, name string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), name, args...)
	cmd.Dir, cmd.Env = r.folder, append(os.Environ(), r.environ...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	if got != code {
		r.t.Fatalf("%s %q: exit code %d, want %d\n%s", name, args, got, code, out.String())
	}
	if strings.Contains(out.String(), forgeToken) || strings.Contains(out.String(), testKey) {
		r.t.Errorf("%s %q prints a secret:\n%s", name, args, out.String())
	}
	return out.String()
}

func (r *machine) git(args ...string) string {
	r.t.Helper()
	return strings.TrimSpace(r.run(0, "git", append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"}, args...)...))
}

// clone is the repository on another machine.
func (r *machine) clone(origin, branch string) *machine {
	r.t.Helper()
	fresh := &machine{r.t, r.t.TempDir(), r.environ}
	fresh.git("clone", "-q", "--branch", branch, origin, ".")
	return fresh
}

// storyPeople are three; who is in the branch office joins when the filter is widened.
const storyPeople = `dn: uid=ada,ou=People,dc=example,dc=com
objectClass: person
uid: ada
cn: Ada Lovelace
mail: ada@example.com
ou: vpn

dn: uid=jane.doe,ou=People,dc=example,dc=com
objectClass: person
uid: jane.doe
cn: Jane Doe
mail: jane.doe@example.com
ou: vpn

dn: uid=noor,ou=People,dc=example,dc=com
objectClass: person
uid: noor
cn: Noor Haddad
mail: noor@example.com
ou: branch

`

// TestTheWholeStory is a change on a branch, its plan as a comment, the merge, the apply
// of exactly that plan from a fresh checkout with the state in a bucket, and the nightly
// look for what was changed behind everybody's back; by the scripts of examples/pipelines.
func TestTheWholeStory(t *testing.T) {
	s3 := remotetest.StartS3(t)
	for name, start := range map[string]func(*testing.T) *forge{"github": startGitHub, "gitlab": startGitLabForge} {
		t.Run(name, func(t *testing.T) { tellStory(t, name, start(t), s3) })
	}
}

func tellStory(t *testing.T, kind string, f *forge, s3 *remotetest.S3) {
	logintc := startCrowd(t, logintctest.Data{Name: "Acme", APIKey: testKey, Domains: []logintctest.Domain{{ID: vpnID, Name: "VPN"}, {ID: siteID, Name: "Site"}}})
	origin := t.TempDir()
	pipelines, err := filepath.Abs("../../examples/pipelines")
	if err != nil {
		t.Fatal(err)
	}
	admin := &machine{t, t.TempDir(), append(append(s3.Environ(), crowdEnviron(logintc.URL)...),
		"GITHUB_TOKEN="+forgeToken, "GITHUB_API_URL="+f.URL, "GITHUB_REPOSITORY=acme/access", "PULL_REQUEST=7",
		"GITLAB_TOKEN="+forgeToken, "CI_API_V4_URL="+f.URL+"/api/v4", "CI_PROJECT_ID=9", "CI_MERGE_REQUEST_IID=7")}
	admin.git("init", "-q", "--bare", origin)
	admin.git("clone", "-q", origin, ".")
	admin.run(0, "cp", "-r", pipelines, "ci")
	url := strings.Replace(s3.URL, "acme/rollcall", kind+"/rollcall", 1)
	configuration := crowdConfiguration + "\nrollcall {\n  state { url = \"" + url + "\" }\n}\n"
	configuration = strings.Replace(configuration, `token_mode       = "issue_token_without_email"`, "", 1)
	configuration = configuration[:strings.Index(configuration, `domain "site"`)] + configuration[strings.Index(configuration, "\nrollcall {"):]
	write(t, admin.folder, "main.hcl", []byte(configuration))
	write(t, admin.folder, "people.ldif", []byte(storyPeople))
	admin.git("add", ".")
	admin.git("commit", "-q", "-m", "Access to the VPN")
	admin.git("push", "-q", "origin", "HEAD:main")
	admin.run(0, "rollcall", "apply", "--auto-approve")

	// A change on a branch, and its plan as a comment.
	admin.git("switch", "-q", "-c", "branch-office")
	write(t, admin.folder, "main.hcl", []byte(strings.Replace(configuration, "(ou=vpn)", "(|(ou=vpn)(ou=branch))", 1)))
	admin.git("commit", "-q", "-a", "-m", "The branch office too")
	admin.git("push", "-q", "origin", "branch-office")
	planner := admin.clone(origin, "branch-office")
	planner.run(0, "mkdir", "out")
	planner.run(2, "ci/plan", "out")
	for range 2 { // the second run writes the same comment anew
		planner.run(0, "ci/"+kind+"/comment", "out/comment.md")
	}
	comments := f.ours()
	if len(comments) != 1 || !strings.Contains(comments[0], "noor  Noor Haddad  noor@example.com  new user") || !strings.Contains(comments[0], "What decides who is in a domain has changed") {
		t.Fatalf("%d comments: %q", len(comments), comments)
	}
	if report := planner.run(0, "jq", "-c", ".", "out/report.json"); report != `{"create":1,"update":0,"delete":0}`+"\n" {
		t.Error(report)
	}

	// Nobody has merged it yet: there is no plan to apply.
	early := admin.clone(origin, "main")
	early.environ = append(early.environ, "GITHUB_SHA="+early.git("rev-parse", "HEAD"), "CI_COMMIT_SHA="+early.git("rev-parse", "HEAD"))
	early.run(1, "ci/"+kind+"/reviewed", "out")

	// The merge, and the apply of that plan from a fresh checkout.
	admin.git("switch", "-q", "main")
	admin.git("merge", "-q", "--no-ff", "-m", "Merge the branch office", "branch-office")
	admin.git("push", "-q", "origin", "main")
	f.mu.Lock()
	f.head, f.merge = planner.git("rev-parse", "HEAD"), admin.git("rev-parse", "HEAD")
	f.plan, err = os.ReadFile(filepath.Join(planner.folder, "out", "rollcall.plan"))
	f.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	applier := admin.clone(origin, "main")
	applier.environ = append(applier.environ, "GITHUB_SHA="+f.merge, "CI_COMMIT_SHA="+f.merge)
	applier.run(0, "ci/"+kind+"/reviewed", "out")
	out := applier.run(0, "rollcall", "apply", "out/rollcall.plan", "--lock-timeout", "10m", "--receipt", "out/receipt.jsonl")
	if !strings.Contains(out, "Applied: 1 added, 0 changed, 0 removed.") {
		t.Error(out)
	}
	if got := string(membersOf(logintc.Data(), vpnID)); strings.Count(got, "\n") != 3 || !strings.Contains(got, "noor | Noor Haddad") {
		t.Error(got)
	}
	applier.run(4, "rollcall", "apply", "out/rollcall.plan") // once is enough

	// Nights: nothing, something by hand, the same still, and mended.
	night := func(open, all int) []string {
		t.Helper()
		admin.clone(origin, "main").run(0, "ci/nightly", kind)
		texts, n := f.openIssues()
		if len(texts) != open || n != all {
			t.Fatalf("%d issues are open of %d, want %d of %d: %q", len(texts), n, open, all, texts)
		}
		return texts
	}
	night(0, 0)
	for _, u := range logintc.Data().Users {
		if u.Username == "jane.doe" {
			if err := byHand(logintc.URL, http.MethodDelete, "/domains/"+vpnID+"/users/"+u.ID, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	if texts := night(1, 1); !strings.Contains(texts[0], `"jane.doe"]  Jane Doe  jane.doe@example.com  no member any more`) {
		t.Error(texts)
	}
	night(1, 1)
	admin.clone(origin, "main").run(0, "rollcall", "apply", "--auto-approve")
	night(0, 1)
}
