# The reader of alerts, which other tests judge the bot's messages with.
use strict;
use warnings;
use utf8;

use Test::More;

use AlertText;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my ($BYPASS, $LEAK) = ('⚠️ VPN BYPASS WARNING', '⚠️ DNS LEAK DETECTED');
my ($OFFLINE, $CONNECTED, $STARTED) =
    ('❌ Client Offline', '✅ VPN Connected!', '🚀 VPN Sentinel Started');
my $NOW = 'Now: 🟢 3 green · 🟡 0 yellow · 🔴 2 red · ⚫ 44 grey, 49 clients';

# "office ❌ Client Offline 1; ...": who is named.
sub told {
    my ($alert) = @_;
    return join '; ', map { "$_->{client} $_->{title} $_->{count}" } @{ $alert->{told} };
}

subtest 'a single alert' => sub {
    my $facts = "Light: ⚫ grey (offline)\nSilent for: 5 min\nTime: 2026-11-28 15:30:00 CET";
    my $alert = AlertText::parse("$OFFLINE: office\n$facts");
    is($alert->{text}, "$OFFLINE: office\n$facts", 'its text');
    is_deeply([ @$alert{qw(total unnamed muted)} ], [ 1, 0, undef ], 'one');
    is(told($alert), "office $OFFLINE 1", 'of whom');
    is_deeply($alert->{counts}, { $OFFLINE => 1 }, 'what');
    my $noted = "$OFFLINE: office\n"
        . $facts =~ s/^(?=Time)/🔁 Flapping: 3 times in 9 min; more of it is gathered\n/mr;
    is(AlertText::parse("$noted (3 min ago)")->{text}, $alert->{text}, 'without its ago and note');
    is(told(AlertText::parse("$CONNECTED office\n$facts")), "office $CONNECTED 1", 'no colon');
    is(told(AlertText::parse("$STARTED\n$facts")), " $STARTED 1", 'of the server');
    is(told(AlertText::parse("$OFFLINE: 9744\n$facts")), "9744 $OFFLINE 1", 'of a numbered client');
    is_deeply(AlertText::parse("Hello\n$facts")->{odd}, ['Hello'], 'no alert');
};

my $mixed = <<"DIGEST";
$BYPASS: 2, $OFFLINE: 44, $CONNECTED: 1, + 3 more
🔕 While muted (1 h 5 min): 50 alerts

🔁 Flapping: 1 client
flap: $OFFLINE ×4, $CONNECTED in 9 min, now $CONNECTED

$BYPASS: 2, of 1 client
office ×2: public IP 203.0.113.1 · 15:30:00

$OFFLINE: 40, of 39 clients
a: silent for 5 min · 2026-11-27 15:29:58
b ×2: silent for 5 min · 15:29:58
… and 37 more clients

$STARTED: 3
version 0.1.0 · 15:30:00
15:30:01
… and 1 more

$NOW
DIGEST

subtest 'a digest' => sub {
    my $digest = AlertText::parse($mixed =~ s/\n\z//r);
    is_deeply($digest->{odd}, [], 'is read');
    is($digest->{text}, undef, 'it is no single alert');
    is($digest->{total}, 50, 'all that it tells');
    is_deeply($digest->{counts}, { $BYPASS => 2, $OFFLINE => 44, $CONNECTED => 1 }, 'kinds');
    is(told($digest), "flap $OFFLINE 4; flap $CONNECTED 1; office $BYPASS 2; a $OFFLINE 1; "
        . "b $OFFLINE 2;  $STARTED 1;  $STARTED 1;  $STARTED 1", 'of whom');
    is(join(' ', map { $_->{clock} // '-' } @{ $digest->{told} }),
        '- - 15:30:00 15:29:58 15:29:58 15:30:00 15:30:01 -', 'when');
    is(join(' ', map { $_->{now} // () } @{ $digest->{told} }), "$CONNECTED $CONNECTED",
        'how it is now');
    is($digest->{unnamed}, 37, 'the rest');
    is_deeply($digest->{flapping}, ['flap'], 'who flaps');
    is($digest->{muted}, '1 h 5 min', 'the mute');
    is_deeply($digest->{fleet}, { green => 3, yellow => 0, red => 2, grey => 44, total => 49 },
        'the fleet');
};

subtest 'digests of one kind' => sub {
    my $digest = AlertText::parse(
        "$OFFLINE: 5, of 3 clients\na ×3: x · 15:30:00\nb · 15:30:00\n… and 1 more client");
    is_deeply($digest->{odd}, [], 'the first line is the section\'s');
    is(told($digest), "a $OFFLINE 3; b $OFFLINE 1", 'of whom');
    is_deeply([ @$digest{qw(total unnamed fleet)} ], [ 5, 1, undef ], 'how many');
    $digest = AlertText::parse(
        "$OFFLINE: 3\n\n🔁 Flapping: 1 client\na: $OFFLINE ×3, now $OFFLINE\n\n$NOW");
    is_deeply($digest->{odd}, [], 'who flaps only');
    is(told($digest), "a $OFFLINE 3", '... is told');
    $digest = AlertText::parse("$STARTED: 2\n15:30:00\n15:30:01");
    is(told($digest), " $STARTED 1;  $STARTED 1", 'of the server');
};

subtest 'what is odd' => sub {
    my $line = 'office: x · 15:30:00';
    my $wrong = $NOW =~ s/49/48/r;
    my @table = (
        [ 'a first line of no kind', "Hello\n\n$NOW", 'Hello' ],
        [ 'a line of no form', "$LEAK: 1\n$line\noffice, 15:30:00", 'office, 15:30:00' ],
        [ 'half a line', "$LEAK: 1\n$line\noffice: x", 'office: x' ],
        [ 'a client too few', "$LEAK: 2, of 2 clients\na ×2: x · 15:30:00", '2 clients, but 1' ],
        [ 'a client too many', "$LEAK: 2\n$line\n… and 2 more clients", '2 clients, but 3' ],
        [ 'an alert too few', "$LEAK: 2, of 1 client\n$line", '2 alerts, but 1',
            '2 alerts in all, but 1' ],
        [ 'a section too few', "$LEAK: 1, $OFFLINE: 1\n\n$LEAK: 1\n$line",
            '2 alerts in all, but 1' ],
        [ 'a wrong sum of the mute', "$LEAK: 1\n🔕 While muted (2 h): 2 alerts\n$line",
            '🔕 While muted (2 h): 2 alerts' ],
        [ 'a wrong sum of the fleet', "$LEAK: 1\n$line\n\n$wrong", $wrong ],
    );
    for (@table) {
        my ($name, $text, @odd) = @$_;
        is_deeply(AlertText::parse($text)->{odd}, \@odd, $name);
    }
};

done_testing;
