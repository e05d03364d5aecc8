# What is built is hardened, as configure found that the compiler can: position-independent, nothing
# that is executed can be written, stacks and lengths are checked, nothing is seen that need not be.
use strict;
use warnings;

use Test::More;

my %FILES = (
    'client/vpn-sentinel-client' => 'program',
    'ctl/vpn-sentinel-ctl' => 'program',
    'mod_vpnsentinel/.libs/mod_vpnsentinel.so' => 'module',
);

my %made = makefile_variables();

plan skip_all => 'sanitizers take the place of hardening' if $ENV{VPS_SANITIZER};
plan skip_all => 'configured with --disable-hardening' if ($made{HARDEN_LDFLAGS} // '') eq '';
plan skip_all => 'there is no readelf' if !grep { -x "$_/readelf" } split /:/, $ENV{PATH};

sub makefile_variables {
    open(my $file, '<', "$ENV{VPS_BUILDDIR}/Makefile") or die "Makefile: $!\n";
    return map { /^(\w+) = *(.*)/ ? ($1 => $2) : () } <$file>;
}

sub has_flag {
    my ($variable, $flag) = @_;
    return index(" $made{$variable} ", " $flag ") >= 0;
}

sub readelf {
    my ($option, $path) = @_;
    open(my $pipe, '-|', 'readelf', '-W', $option, $path) or die "readelf: $!\n";
    my $text = do { local $/; <$pipe> };
    close $pipe or die "readelf $option $path has failed\n";
    return $text;
}

sub check_place {
    my ($kind, $header, $dynamic) = @_;
    like($header, qr/^\s*Type:\s+DYN\b/m, 'can be anywhere in memory');
    like($dynamic, qr/\(FLAGS_1\).*\bPIE\b/, 'is an executable that can') if $kind eq 'program';
    unlike($dynamic, qr/\bTEXTREL\b/, 'its code needs no relocation');
    return;
}

sub check_memory {
    my ($segments, $dynamic) = @_;
    like($segments, qr/^\s*GNU_RELRO\b/m, 'what is relocated is then read-only');
    like($dynamic, qr/\bBIND_NOW\b|\(FLAGS_1\).*\bNOW\b/, 'all is bound at the start');
    like($segments, qr/^\s*GNU_STACK\s.*\sRW\s/m, 'no stack is executable');
    unlike($segments, qr/^\s*LOAD\s.*\sRWE\s/m, 'nothing is both writable and executable');
    return;
}

sub check_calls {
    my ($symbols) = @_;
    like($symbols, qr/\bUND\s+__stack_chk_fail\b/, 'stacks are guarded')
        if has_flag('HARDEN_CFLAGS', '-fstack-protector-strong');
    like($symbols, qr/\bUND\s+__(?!stack)\w+_chk\b/, 'lengths are checked')
        if join(' ', @made{qw(FORTIFY_CPPFLAGS CPPFLAGS CFLAGS)}) =~ /-D_FORTIFY_SOURCE=[1-9]/;
    return;
}

# Those that are defined here and seen outside.
sub exported {
    my ($symbols) = @_;
    return [sort map { /\s(?:GLOBAL|WEAK|UNIQUE)\s+DEFAULT\s+\d+\s+(\w+)/ ? $1 : () } split /\n/, $symbols];
}

for my $name (sort keys %FILES) {
    my $path = "$ENV{VPS_BUILDDIR}/$name";
    my $symbols = readelf('--dyn-syms', $path);
    subtest $name => sub {
        my ($segments, $dynamic) = (readelf('-l', $path), readelf('-d', $path));
        check_place($FILES{$name}, readelf('-h', $path), $dynamic);
        check_memory($segments, $dynamic);
        check_calls($symbols);
        is_deeply(exported($symbols), ['vpnsentinel_module'], "httpd's record is all that is seen")
            if $FILES{$name} eq 'module';
    };
}

done_testing;
