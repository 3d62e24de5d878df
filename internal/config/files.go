package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
)

// maxFileSize bounds every file that a configuration is made of, in bytes.
const maxFileSize = 1 << 20

// SourceFiles returns the paths of the native-syntax files of a folder, files
// of variables among them, sorted: those that Format may be used on.
func SourceFiles(dir string) ([]string, error) {
	names, err := list(dir)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range names {
		if strings.HasSuffix(name, ".hcl") {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths, nil
}

// list returns the names of the *.hcl and *.hcl.json files of a folder, sorted.
// Hidden files are passed over.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the configuration's folder can not be read: %w", err)
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		if strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".hcl.json") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// isVariables says whether a name is that of a file of variables; automatic
// ones are read without being asked for.
func isVariables(name string) (variables, automatic bool) {
	name = strings.TrimSuffix(name, ".json")
	return strings.HasSuffix(name, ".vars.hcl"), strings.HasSuffix(name, ".auto.vars.hcl")
}

// configurationFiles splits the files of a folder. Those in varFiles are no
// part of the configuration whatever their name is.
func configurationFiles(dir string, varFiles []string) (configuration, automatic []string, err error) {
	names, err := list(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		variables, auto := isVariables(name)
		switch {
		case auto:
			automatic = append(automatic, name)
		case !variables && !namedIn(varFiles, filepath.Join(dir, name)):
			configuration = append(configuration, name)
		}
	}
	return configuration, automatic, nil
}

func namedIn(paths []string, path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(paths, func(p string) bool {
		other, err := os.Stat(p)
		return err == nil && os.SameFile(info, other)
	})
}

// readBounded reads at most maxFileSize bytes. Pipes are fine: --var-file may be
// a process substitution of the shell.
func readBounded(open func() (*os.File, error)) ([]byte, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	src, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(src) > maxFileSize {
		return nil, fmt.Errorf("it is larger than %d bytes", maxFileSize)
	}
	return src, err
}

// read reads and parses one file and reports what is wrong with its syntax. It
// is known by name from then on. The result is nil where there is an error.
func (r *reporter) read(path, name string, variables bool) *hcl.File {
	src, err := readBounded(func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		r.failNowhere("File can not be read", fmt.Sprintf("%s: %s.", name, reason(err)))
		return nil
	}
	return r.parse(src, name, variables)
}

// reason is the error of a system call without the path, which a message names
// already.
func reason(err error) string {
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		err = pathError.Err
	}
	return err.Error()
}

func (r *reporter) parse(src []byte, name string, variables bool) *hcl.File {
	s := &source{bytes: src, variables: variables}
	r.sources[name] = s
	if rng, problem := tooDeep(src, name); problem != "" {
		r.fail(place{}, rng, "Configuration is beyond all bounds", problem)
		return nil
	}
	var diags hcl.Diagnostics
	if strings.HasSuffix(name, ".json") {
		s.file, diags = json.Parse(src, name)
	} else {
		s.file, diags = hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	}
	for _, d := range diags {
		// What the parser says after its first error is guesswork.
		if d.Severity == hcl.DiagError {
			if d.Summary == "Missing item separator" || d.Summary == "Missing newline after argument" { // as of a bare DN
				d.Detail += " A text stands in quotation marks."
			}
			r.foreign(place{}, hcl.Diagnostics{d})
			return nil
		}
	}
	return s.file
}
