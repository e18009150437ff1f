#!/usr/bin/env python3
"""Every rule of tools/tidy is proved twice: a planted violation is reported word for word, its twin passes."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TIDY = Path(__file__).resolve().parents[2] / "tools" / "tidy"
HEADER = "#pragma once\n"


def tidy(files, tracked=()):
    """Runs tools/tidy on a tree of those files (path → text or bytes); returns (exit code, lines)."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        subprocess.run(["git", "init", "-q", directory], check=True)
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())
        for path in tracked:
            subprocess.run(["git", "-C", directory, "add", "-f", path], check=True)
        done = subprocess.run([sys.executable, str(TIDY), directory], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert done.stderr == b"", done.stderr.decode()
        return done.returncode, done.stdout.decode().splitlines()


# Words that this file may not hold as they are, or it would break the rules it tests.
UNFINISHED = "TO" + "DO"
MACHINE = "/ho" + "me/somebody/x"


class Rule(unittest.TestCase):
    def refused(self, path, content, *messages, line=1, **more):
        code, lines = tidy({path: content, **more})
        self.assertEqual(lines, [f"{path}:{line}: error: {message}" for message in messages])
        self.assertEqual(code, 1)

    def accepted(self, path, content, **more):
        self.assertEqual(tidy({path: content, **more}), (0, []))


class IncludeDirection(Rule):
    def include(self, path, name, message):
        self.refused(path, f"// what it is\n#include {name}\n", message, line=2)

    def fine(self, path, *names):
        self.accepted(path, "".join(f"#include {name}\n" for name in names))

    def test_lower_room_may_not_include_a_higher_one(self):
        self.include("src/jose/jwks.cc", '"http/client.h"', "jose/ may not include http/")
        self.include("src/crypto/mac.cc", '"jose/json.h"', "crypto/ may not include jose/")
        self.include("src/guard/guard.cc", '"issuer/login.h"', "guard/ may not include issuer/")
        self.fine("src/guard/guard.cc", '"oauth/answers.h"', '"jose/json.h"', '"crypto/digest.h"', '"guard/facts.h"')

    def test_http_knows_no_tokens_and_no_tables(self):
        for room in ("jose", "guard", "issuer", "store"):
            self.include("src/http/router.cc", f'"{room}/x.h"', f"http/ may not include {room}/")
        self.include("src/http/router.cc", "<jeton/verifier.h>", "http/ may not include <jeton/verifier.h>")
        self.fine("src/http/router.cc", '"platform/fault.h"', "<jeton/time.h>", "<boost/beast/http.hpp>")

    def test_issuer_and_gateway_never_meet(self):
        self.include("src/issuer/login.cc", '"gateway/policy.h"', "issuer/ may not include gateway/")
        self.include("src/gateway/policy.cc", '"issuer/login.h"', "gateway/ may not include issuer/")
        self.include("src/gateway/policy.cc", '"store/users.h"', "gateway/ may not include store/")
        self.fine("src/issuer/login.cc", '"store/users.h"', '"http/router.h"', '"guard/x.h"', '"platform/clock.h"')

    def test_only_cli_names_a_concrete_store(self):
        self.include("src/issuer/login.cc", '"store/sqlite/open.h"', "issuer/ may not include store/sqlite/")
        self.include("src/store/sqlite/open.cc", '"store/postgres/open.h"',
                     "store/sqlite/ may not include store/postgres/")
        self.fine("src/cli/serve.cc", '"store/sqlite/open.h"', '"issuer/login.h"')
        self.fine("src/issuer/login_test.cc", '"store/sqlite/open.h"')

    def test_store_contract_includes_only_standard_library_and_values(self):
        message = "the store contract may include only the standard library, itself and <jeton/…>, not "
        code, lines = tidy({"src/store/users.h": HEADER + '#include "platform/clock.h"\n#include <sys/types.h>\n'})
        self.assertEqual(lines, [f"src/store/users.h:2: error: {message}platform/clock.h",
                                 f"src/store/users.h:3: error: {message}sys/types.h"])
        self.accepted("src/store/users.h",
                      HEADER + '#include "store/ids.h"\n#include <jeton/time.h>\n#include <string>\n')

    def test_public_headers_include_only_standard_library_and_themselves(self):
        message = "include/jeton/ may include only the standard library and <jeton/…>, not "
        for name in ("<openssl/evp.h>", "<simdjson.h>", '"crypto/key.h"', "<boost/json.hpp>"):
            self.refused("include/jeton/key.h", HEADER + f"#include {name}\n", message + name.strip('<>"'), line=2)
        self.accepted("include/jeton/key.h", HEADER + "#include <jeton/error.h>\n#include <expected>\n")

    def test_lower_room_may_not_reach_up_through_a_public_header(self):
        self.include("src/crypto/mac.cc", "<jeton/verifier.h>", "crypto/ may not include <jeton/verifier.h>")
        self.include("src/jose/jws.cc", "<jeton/guard.h>", "jose/ may not include <jeton/guard.h>")
        self.fine("src/jose/jws.cc", "<jeton/verifier.h>", "<jeton/error.h>")

    def test_unknown_room_and_form_of_include(self):
        self.include("src/jose/jws.cc", '"json.h"', '"json.h" needs its room: "jose/json.h"')
        self.include("src/jose/jws.cc", '"jeton/key.h"', "public headers are included as <jeton/key.h>")
        self.include("src/jose/jws.cc", '"stuff/x.h"', "stuff/ is no room; the rooms are in ARCHITECTURE.md")
        self.include("src/stuff/x.cc", "<string>", "stuff/ is no room; the rooms are in ARCHITECTURE.md")
        self.include("examples/x.cc", '"jose/json.h"', "an example includes only what is installed")

    def test_commented_include_does_not_count(self):
        self.accepted("src/jose/jws.cc", '// #include "http/client.h"\n/*\n#include "http/client.h"\n*/\n')


class Libraries(Rule):
    def test_each_library_has_its_room(self):
        self.refused("src/jose/jws.cc", "#include <openssl/evp.h>\n",
                     "<openssl/…> is banned outside src/crypto/ and src/http/tls")
        self.refused("src/issuer/x.cc", "#include <sqlite3.h>\n", "<sqlite3…> is banned outside src/store/sqlite/")
        self.refused("src/issuer/x.cc", "#include <simdjson.h>\n", "<simdjson…> is banned outside src/jose/")
        self.refused("src/issuer/x.cc", "#include <sodium.h>\n", "<sodium…> is banned outside src/crypto/")
        self.refused("src/issuer/x.cc", "#include <toml++/toml.h>\n",
                     "<toml++/…> is banned outside src/platform/ and src/gateway/ and src/cli/")
        self.accepted("src/crypto/mac.cc", "#include <openssl/evp.h>\n#include <sodium.h>\n")
        self.accepted("src/http/tls_context.cc", "#include <openssl/ssl.h>\n")
        self.accepted("src/store/sqlite/open.cc", "#include <sqlite3.h>\n")

    def test_library_rooms_use_no_input_output(self):
        self.refused("src/jose/x.cc", "#include <fstream>\n", "jose/ only computes, <fstream> is banned there")
        self.refused("src/guard/x.cc", "#include <unistd.h>\n", "guard/ only computes, <unistd.h> is banned there")
        _, lines = tidy({"src/crypto/x.cc": "#include <fmt/format.h>\n"})
        self.assertEqual(len(lines), 1)
        self.accepted("src/jose/x.cc", "#include <immintrin.h>\n#include <mutex>\n")
        self.accepted("src/jose/x_test.cc", "#include <fstream>\n#include <gtest/gtest.h>\n")
        self.refused("src/jose/x.cc", "#include <gtest/gtest.h>\n", "<gtest/gtest.h> is for tests")

    def test_header_with_googletest_is_for_tests_alone(self):
        header = {"src/jose/x.h": HEADER + "#include <gtest/gtest.h>\n"}
        self.accepted("src/jose/x_test.cc", '#include "jose/x.h"\n', **header)
        self.refused("src/jose/x.cc", '#include "jose/x.h"\n', "jose/x.h is for tests: it includes GoogleTest",
                     **header)

    def test_headers_that_debian_12_lacks(self):
        self.refused("src/issuer/x.cc", "#include <format>\n", "<format> is banned, use fmt/format.h")
        self.refused("tests/x.cc", "#include <print>\n", "<print> is banned, use fmt/format.h")
        self.refused("src/issuer/x.cc", "#include <generator>\n", "<generator> is banned, use a loop")
        self.accepted("src/issuer/x.cc", "#include <fmt/format.h>\n")


class BannedNames(Rule):
    def banned(self, path, code, message):
        self.refused(path, f"// what it is\n{code}\n", message, line=2)
        # in a comment or a literal it is only a word
        self.accepted(path, f"// {code}\nconst char* text = \"{code}\";\n")

    def test_comparisons_that_leak_time(self):
        self.banned("src/crypto/x.cc", "bool b = memcmp(p, q, n) == 0;",
                    "memcmp( is banned, use ct_equal for secrets and == for the rest")
        self.banned("src/crypto/x.cc", "bool b = std::strcmp(p, q) == 0;",
                    "strcmp( is banned, use ct_equal for secrets and == for the rest")
        self.accepted("src/crypto/x.cc", "bool b = sodium_memcmp(p, q, n) == 0;\n")

    def test_clock_is_read_in_platform_only(self):
        code = "auto now = std::chrono::system_clock::now();"
        message = "system_clock::now( is banned outside platform/, take `now` as an argument"
        self.banned("src/issuer/x.cc", code, message)
        self.banned("src/jose/x_test.cc", code, message)
        self.accepted("src/platform/clock.cc", code + "\n")
        self.accepted("examples/x.cc", code + "\n")

    def test_environment_is_read_in_cli_only(self):
        message = "getenv( is banned outside cli/, take the value as an argument"
        self.banned("src/platform/x.cc", "auto p = std::getenv(name);", message)
        self.banned("src/issuer/x.cc", "auto p = secure_getenv(name);", message)
        self.accepted("src/cli/main.cc", "auto p = std::getenv(name);\n")

    def test_the_rest(self):
        self.banned("src/issuer/x.cc", "std::regex r;",
                    "std::regex is banned, write the few lines that read the text")
        self.banned("src/jose/x_test.cc", "int i = rand();",
                    "rand( is banned, use crypto/random.h, in tests std::mt19937_64")
        self.banned("src/jose/x.cc", "auto v = r | std::ranges::to<int>();",
                    "std::ranges::to is missing from libstdc++ 12, use a loop or a constructor")
        self.accepted("src/jose/x.cc", "int i = operand(2); auto j = generator.rand(3);\n")

    def test_using_namespace(self):
        message = "using namespace is banned, name what you use (tests may take std::chrono_literals whole)"
        self.banned("src/jose/x.cc", "using namespace std;", message)
        self.banned("src/jose/x.cc", "using namespace std::chrono_literals;", message)
        self.accepted("src/jose/x_test.cc", "using namespace std::chrono_literals;\n")

    def test_literals_do_not_hide_code(self):
        self.refused("src/jose/x.cc", "auto s = R\"(\n\" // )\"; char q = '\"';\nint n = 100'000 + rand();\n",
                     "rand( is banned, use crypto/random.h, in tests std::mt19937_64", line=3)


class Sizes(Rule):
    def function(self, lines, head="int f(int a) {"):
        return head + "\n" + "  g();\n" * (lines - 2) + "}\n"

    def test_function_of_70_lines_passes_and_71_does_not(self):
        self.accepted("src/jose/x.cc", "\n" + self.function(70) + self.function(70))
        self.refused("src/jose/x.cc", "\n" + self.function(71), "function is 71 lines, limit 70", line=2)

    def test_functions_are_found_in_any_dress(self):
        for head in ("X::X(int a) : a_{a}, b_{} {", "template <class T> auto f(T t) -> T {", "auto f = [](int a) {",
                     "Result<int> X::operator()(std::span<int> s) const noexcept {"):
            self.refused("src/jose/x.cc", self.function(71, head), "function is 71 lines, limit 70")
        self.refused("src/jose/x.cc", "namespace a {\nclass B {\n" + self.function(71) + "};\n}\n",
                     "function is 71 lines, limit 70", line=3)

    def test_types_namespaces_tables_and_tests_are_no_functions(self):
        for head in ("namespace jeton {", "class X : public Y<int(int)> {", "enum class E : int {",
                     "constexpr std::array table = {"):
            self.accepted("src/jose/x.cc", head + "\n" + "  int a;\n" * 90 + "};\n")
        self.accepted("src/jose/x_test.cc", self.function(90, "TEST(X, Y) {"))

    def test_file_of_800_lines_passes_and_801_does_not(self):
        self.accepted("src/jose/x.cc", "int a;\n" * 800)
        self.refused("src/jose/x.cc", "int a;\n" * 801, "file is 801 lines, limit 800", line=801)

    def test_line_of_120_characters_passes_and_121_does_not(self):
        self.accepted("src/jose/x.cc", "// " + "ä" * 117 + "\n")
        self.refused("src/jose/x.cc", "// " + "ä" * 118 + "\n", "line is 121 characters, limit 120")
        self.refused("tools/x", "#" * 121 + "\n", "line is 121 characters, limit 120")
        self.accepted("docs/x.md", "| " + "a" * 200 + " |\n")

    def test_blobs_and_binaries(self):
        self.refused("docs/x.bin", b"a" * 200_001, "file is 200001 bytes, limit 200000")
        self.refused("docs/x.bin", b"a\0b", "binary file among the sources")
        self.refused("docs/x.md", b"\xff\xfe", "not UTF-8")
        self.accepted("fuzz/corpus/x/1", b"a\0 \nb")
        self.refused("fuzz/corpus/x/1", b"a" * 200_001, "file is 200001 bytes, limit 200000")


class Text(Rule):
    def test_trailing_whitespace(self):
        self.refused("docs/x.md", "a\nb \n", "trailing whitespace", line=2)
        self.refused("src/jose/x.cc", "int a;\t\n", "trailing whitespace")

    def test_unfinished_work(self):
        self.refused("docs/x.md", f"{UNFINISHED}: later\n", f"{UNFINISHED} is banned, finish it or open an issue")
        self.accepted("docs/x.md", "mkstemp takes XXXXXX\n")

    def test_paths_of_one_machine(self):
        self.refused("tools/x.py", f"p = '{MACHINE}'\n", "path of one machine, make it relative or an argument")
        self.accepted("tools/x.py", "p = '/etc/shadow'\nq = '$HOME/x'\nr = 'https://x.example/home/y'\n")

    def test_names_without_an_idea(self):
        self.refused("src/jose/utils.cc", "int a;\n", "nothing is called utils, name the idea")
        self.refused("src/jose/helpers_test.cc", "int a;\n", "nothing is called helpers_test, name the idea")
        self.refused("docs/common/x.md", "a\n", "nothing is called common, name the idea")
        self.accepted("src/jose/common_weak_secrets.cc", "int a;\n")

    def test_header_guard(self):
        self.refused("src/jose/x.h", "// what it is\n", "header without #pragma once")
        self.accepted("src/jose/x.h", "// what it is\n#pragma once\n")

    def test_public_macros(self):
        self.refused("include/jeton/x.h", HEADER + "#define JETON_EXPORT\n",
                     "macro JETON_EXPORT: the only public macros are the version's", line=2)
        self.accepted("include/jeton/x.h", HEADER + "#define JETON_VERSION_MAJOR 1\n")

    def test_links_lead_somewhere(self):
        self.refused("docs/x.md", "see [y](y.md#part)\n", "link to y.md, which does not exist")
        self.accepted("docs/x.md", "see [y](y.md#part), [z](https://z.example/), [here](#below)\n",
                      **{"docs/y.md": "a\n"})


class WhichFiles(unittest.TestCase):
    def test_new_files_count_and_ignored_ones_do_not(self):
        code, lines = tidy({".gitignore": "build/\n", "build/x.md": "a \n", "new.md": "a \n"})
        self.assertEqual((code, lines), (1, ["new.md:1: error: trailing whitespace"]))

    def test_tracked_files_count_even_where_ignored(self):
        code, lines = tidy({".gitignore": "build/\n", "build/x.md": "a \n"}, tracked=["build/x.md"])
        self.assertEqual((code, lines), (1, ["build/x.md:1: error: trailing whitespace"]))

    def test_file_may_be_called_anything(self):
        code, lines = tidy({os.fsdecode(b"docs/\xff .md"): "a \n"})
        self.assertEqual((code, lines), (1, ["docs/\\udcff .md:1: error: trailing whitespace"]))

    def test_no_repository_is_said_so(self):
        with tempfile.TemporaryDirectory() as directory:
            done = subprocess.run([sys.executable, str(TIDY), directory], stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"is no git repository", done.stderr)

    def test_wrong_arguments_are_told_how(self):
        done = subprocess.run([sys.executable, str(TIDY), "--what"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"tools/tidy [ROOT]", done.stderr)


if __name__ == "__main__":
    unittest.main()
