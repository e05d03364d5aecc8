package ConfigTest;

=head1 NAME

ConfigTest - tests of what "httpd -t" says

=head1 DESCRIPTION

    is_allowed($lines, ...)                    httpd takes the configuration and says nothing
    is_refused($lines, $subject, $allowed, ...)
                                               it does not, and one line of what it says has the
                                               subject and matches what is allowed

Both take the options of VpsHttpd->configtest, and name, which is what the test is called when the
lines themselves are no good name. No key or token in a test is without $SECRET, and it must never be
told.

=cut

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

use VpsHttpd;

our @EXPORT = qw(is_allowed is_refused $SECRET);

our $SECRET = 'S3cret-k3y';

# Runs "httpd -t"; returns (exit status, output), without the escapes that httpd writes.
sub configtest {
    my ($lines, %option) = @_;
    my ($status, $output) = VpsHttpd->configtest(conf => "$lines\n", %option);
    my %plain = ('t' => "\t", '\\' => '\\');
    $output =~ s/\\(?:x([0-9a-f]{2})|([t\\]))/defined $1 ? chr hex $1 : $plain{$2}/ge;
    return ($status, $output);
}

sub is_allowed {
    my ($lines, %option) = @_;
    my ($status, $output) = configtest($lines, %option);
    my $name = delete $option{name} // $lines;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest "allowed: $name" => sub {
        is($status, 0, 'exit status');
        like($output, qr/^Syntax OK$/m, 'what httpd says');
        unlike($output, qr/VPNS\d|VPNSentinel|VPN_SENTINEL/, 'nothing is complained of');
    };
}

# The sentence names what is wrong and says what is allowed, in this order, on one line.
sub is_refused {
    my ($lines, $subject, $allowed, %option) = @_;
    my $name = delete $option{name} // $lines;
    my ($status, $output) = configtest($lines, %option);
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest "refused: $name" => sub {
        is($status, 1, 'exit status');
        like($output, qr/\Q$subject\E.*$allowed/, 'what is wrong and what is allowed');
        unlike($output, qr/Syntax OK/, 'httpd does not take it');
        unlike($output, qr/\Q$SECRET\E/, 'no key is told');
    };
}

1;
