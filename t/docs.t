# Guards: what the code has is documented, what the documentation names exists, every test is run.
use strict;
use warnings;

use Test::More;

use SourceTree qw(content);

my $source = $ENV{VPS_SRCDIR} // '.';

# The files below the source folder that match, by their path in it.
sub files {
    return map { substr $_, 1 + length $source } map { glob "$source/$_" } @_;
}

sub sorted_set {
    my %seen = map { $_ => 1 } @_;
    return [ sort keys %seen ];
}

my $reference = content('docs/directives.md');
my $manual = content('man/mod_vpnsentinel.8') =~ s/\\-/-/gr;

# --- directives -----------------------------------------------------------------------------------

my @directives = content('mod_vpnsentinel/directives.c') =~ /AP_INIT_\w+\(\s*"(VPNSentinel\w+)"/g;
cmp_ok(scalar @directives, '>', 0, 'the directives are found in the source');

my %section = $reference =~ /^## (VPNSentinel\w+)\n(.*?)(?=^## |\z)/msg;
is_deeply(sorted_set(keys %section), sorted_set(@directives),
    'docs/directives.md has a section for each directive and for no other');

for my $name (@directives) {
    my $text = $section{$name} // '';
    ok($text =~ /^\* \*\*Syntax:\*\* `\Q$name\E /m, "$name: the reference has its syntax");
    for my $item (qw(Description Default Context)) {
        ok($text =~ /^\* \*\*$item:\*\* \S/m, "$name: the reference has: $item");
    }
    ok($manual =~ /^\.B[IR] \Q$name\E /m, "$name: the manual page has it");
}

my %exists = map { $_ => 1 } @directives;
for my $path (files('README.md', 'NEWS', 'CONTRIBUTING.md', 'docs/*.md', 'man/*.[158]', 'conf/*')) {
    my @unknown = grep { !$exists{$_} } content($path) =~ /\b(VPNSentinel\w+)/g;
    is("@unknown", '', "$path: names no directive that does not exist");
}

# --- conditions -----------------------------------------------------------------------------------

my ($names) = content('mod_vpnsentinel/assess.c') =~ /\bcondition_names\[CONDITIONS\] = \{(.*?)\};/s;
my @conditions = ($names // '') =~ /"(\w+)"/g;
cmp_ok(scalar @conditions, '>', 0, 'the conditions are found in the source');
my @judged = content('docs/detection.md') =~ /^\| `(\w+)` \| (?:yellow|red|grey) \|/mg;
is_deeply(sorted_set(@judged), sorted_set(@conditions),
    'docs/detection.md tells of each condition and of no other');

# --- environment ----------------------------------------------------------------------------------

my $variable = qr/((?:VPN_SENTINEL|TELEGRAM|IPINFO)_[A-Z_]*[A-Z])/;
my @read = map { content($_) =~ /"$variable"/g } files('mod_vpnsentinel/*.c');
my @ports = content('conf/envvars') =~ /$variable:=/g;
cmp_ok(scalar @read, '>', 0, 'the variables are found in the source');
is(scalar @ports, 3, 'conf/envvars gives three ports');
is_deeply(sorted_set($reference =~ /$variable/g), sorted_set(@read, @ports),
    'docs/directives.md has each variable of the environment and no other');
my @told = ($manual =~ /^\.BR? $variable/mg, $manual =~ /" $variable$/mg);
is_deeply(sorted_set(@told), sorted_set(@read),
    'the manual page has each variable of the environment and no other');

# --- links ----------------------------------------------------------------------------------------

# The anchors of a page's headings, made as GitHub does.
sub anchors {
    my ($path) = @_;
    return map { lc =~ s/[^\w -]//gr =~ tr/ /-/r } content($path) =~ /^#+ (.*)$/mg;
}

for my $path (files('*.md', 'docs/*.md')) {
    my $folder = $path =~ s{[^/]*\z}{}r;
    my @broken;
    for my $link (content($path) =~ /\]\(([^()\s]+)\)/g) {
        my ($file, $anchor) = $link =~ /\A([^#]*)(?:#(.*))?\z/;
        my $target = $file eq '' ? $path : "$folder$file";
        push @broken, $link if !-e "$source/$target"
            || (defined $anchor && !grep { $_ eq $anchor } anchors($target));
    }
    is("@broken", '', "$path: its links lead somewhere");
}

# --- the client -----------------------------------------------------------------------------------

my $table = content('client/options_table.c');
my @options = $table =~ /\.name = "(\w+)"/g;
my @older = $table =~ /\.alias = "(\w+)"/g;
cmp_ok(scalar @options, '>', 0, "the client's options are found in the source");

my $client_manual = content('man/vpn-sentinel-client.8') =~ s/\\-/-/gr;
my $client_settings = content('man/vpn-sentinel-client.conf.5') =~ s/\\-/-/gr;
my @with_default = $client_settings =~ /^\.It Ev (\w+)\n(?:(?!\.It ).*\n)*?Default:/mg;
is_deeply([sort @with_default], [sort @options],
    "the manual page of the client's settings has each option with its default, once, and no other");
is_deeply(sorted_set($client_settings =~ /^\.Ev (\w+)\nis an older name/mg), sorted_set(@older),
    'and each older name');
is_deeply([sort { $a cmp $b } content('conf/client.conf') =~ /^#?(\w+)=/mg], [sort @options],
    'conf/client.conf has each option once and no other');

my @flags = content('client/main.c') =~ /^\s*\{"([a-z-]+)", (?:no|required)_argument/mg;
cmp_ok(scalar @flags, '>', 0, "the client's flags are found in the source");
for (@flags) {
    ok($client_manual =~ /^\.It Fl -\Q$_\E\b/m, "the client's manual page has --$_");
    ok($client_manual =~ /^\.(?:Op )?(?:.*\| )?Fl -\Q$_\E\b/m, 'also in its synopsis');
}

# --- tests, commands ------------------------------------------------------------------------------

my $makefile = content('Makefile.am');
for my $path (files('t/*.t', 't/lab/*.t', 't/unit/*.c')) {
    (my $name = $path) =~ s/\.c$/.test/;
    ok($makefile =~ /\s\Q$name\E\s/, "$name is in Makefile.am");
}

my @fuzzed = map { m{fuzz_(\w+)\.c$} } files('t/fuzz/fuzz_*.c');
my @in_readme = map { /`(\w+)`/g } content('t/fuzz/README.md') =~ /^\|.*\|(.*)\|$/mg;
is_deeply(sorted_set(@in_readme), sorted_set(@fuzzed), 't/fuzz/README.md has each entry point and no other');
for my $name (@fuzzed) {
    ok($makefile =~ m{\st/fuzz/\Q$name\E\.test\s}, "the corpus of $name is replayed");
}

for my $path (files('docs/*.md', 'conf/*', 'man/*.[158]')) {
    ok($makefile =~ /\s\Q$path\E\s/, "$path is installed");
}

for my $command (qw(demo check)) {
    ok(content('README.md') =~ /^\.\/bootstrap $command$/m, "README.md tells ./bootstrap $command");
}

my ($version) = content('configure.ac') =~ /^AC_INIT\(\[vpnsentinel\], \[([\d.]+)\]/m;
my ($newest) = content('NEWS') =~ /^(\d[\d.]*)$/m;
is($newest, $version, 'NEWS begins with this version');
ok($manual =~ /^\.TH .*"VPN Sentinel \Q$version\E"/m, 'the manual page is of this version');

done_testing;
