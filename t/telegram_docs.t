# docs/telegram.md shows what is sent, answered and logged: here all of it is made, and compared.
#
# A sample there is a block of code behind a comment that names it. Times, durations and versions
# need not be the same.
use strict;
use warnings;
use utf8;

use Encode ();
use JSON::PP ();
use List::Util qw(sum0);
use Test::More;
use Time::HiRes qw(sleep);

use AlertText;
use BotApi;
use Sentinel;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my ($YES, $NO) = (JSON::PP::true, JSON::PP::false);
my $JSON = JSON::PP->new->canonical;
my $SOURCE = $ENV{VPS_SRCDIR} // '.';
my $NAME = 'office_vpn_bot';    # of the bot, in the guide
my $GROUP = '-4123456789';
my ($OWN, $NEXT) = qw(198.51.100.7 198.51.100.8);
my %REPORT = (
    client_id => 'office-vpn', public_ip => '203.0.113.42', location => 'DE', country => 'Germany',
    region => 'Hesse', city => 'Frankfurt', provider => 'AS64500 Example Net', dns_loc => 'DE',
    dns_colo => 'FRA', vpn_connected => $YES, client_version => '0.1.0',
);

my %made;

sub content {
    my ($path) = @_;
    open(my $file, '<:encoding(UTF-8)', "$SOURCE/$path") or die "$path: $!";
    local $/;
    return <$file>;
}

# A text without what is another each time.
sub lasting {
    my ($text) = @_;
    $text =~ s/\Q$BotApi::NAME\E/$NAME/g;
    $text =~ s/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:Z| [A-Z]{3,5}\b| [-+]\d+)?/TIME/g;
    $text =~ s/\b\d\d:\d\d:\d\d\b/TIME/g;
    $text =~ s/\b\d+ (?:s|min|h|d)\b(?: \d+ (?:s|min|h)\b)?/DURATION/g;
    $text =~ s/DURATION ago|just now/AGO/g;
    $text =~ s/(VPN Sentinel|Version:) \d+[\d.]*/$1 VERSION/g;
    return $text;
}

sub start {
    my ($bot, $conf) = @_;
    return Sentinel->start(conf => $bot->conf . "VPNSentinelServerPublicIP $OWN\n" . $conf);
}

sub report {
    my ($httpd, %report) = @_;
    $httpd->keepalive({ %REPORT, %report });
}

# Waits until all that has happened is told, doing something again and again; returns by how many
# alerts.
sub all_told {
    my ($bot, $httpd, $code) = @_;
    $httpd->wait_for(sub {
        $code->() if $code;
        my $told = sum0(map { AlertText::parse($_->{plain})->{total} } $bot->alerts);
        return $told > 0 && $told == $httpd->events;    # the start at least
    });
    return scalar $bot->alerts;
}

# The next alert behind so many.
sub next_alert {
    my ($bot, $count) = @_;
    return VpsHttpd->wait_for(sub { ($bot->alerts)[$count] })->{plain};
}

# Waits for lines of the log that match, and makes them a sample.
sub take_log {
    my ($httpd, $name, $count, $pattern) = @_;
    my @line;
    $httpd->wait_for(sub {
        my $log = Encode::decode('UTF-8', $httpd->read_file('logs/vpnsentinel.log'));
        @line = grep { /$pattern/ } split /\n/, $log;
        return @line >= $count;
    });
    $made{"log $name"} = join "\n", @line;
    return;
}

sub take_error {
    my ($httpd, $tag) = @_;
    $httpd->wait_for(sub { $httpd->error_log =~ /\b$tag: / });
    ($made{"error log $tag"}) = $httpd->error_log =~ /\b($tag: .*)$/m;
    return;
}

sub end {
    my ($httpd, @allowed) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $httpd->stop;
    $httpd->check_error_log(allow => \@allowed);
    return;
}

# --- what happens ---------------------------------------------------------------------------------

# In the API's words, which are those of a message that tells one event.
sub take_events {
    my ($httpd) = @_;
    $made{"alert $_->{event}"} //= $_->{message} for $httpd->events;
    return;
}

sub make_events {
    my $httpd = Sentinel->start(clock => 1,
        conf => "VPNSentinelServerPublicIP $OWN\nVPNSentinelOfflineThreshold 100\n");
    my %moved = (public_ip => '203.0.113.77');
    my %leak = (dns_verdict => 'leak', dns_path => 'outside', dns_resolver_ip => '198.51.100.53');
    my %tunnel = (dns_verdict => 'tunnel', dns_path => 'tunnel', dns_resolver_ip => '203.0.113.77');
    my @table = (
        [ 'connected' ],
        [ 'ip_changed', %moved ],
        [ 'dns_leak', %moved, dns_loc => 'US', dns_colo => 'EWR', %leak ],
        [ 'dns_leak_over', %moved, %tunnel ],
        [ 'ipv6_leak', %moved, %tunnel, public_ip6 => '2001:db8::77', ipv6_verdict => 'leak' ],
        [ 'ipv6_leak_over', %moved, %tunnel, ipv6_verdict => 'blocked' ],
        [ 'ip_changed bypass', public_ip => $OWN ],
        [ 'ip_changed bypass_over', %moved ],
        [ 'vpn_disconnected', %moved, vpn_connected => $NO ],
        [ 'vpn_reconnected', %moved ],
    );
    my $told = '';
    for my $row (@table) {
        my ($names, %report) = @$row;
        sleep 1.1 if $names =~ /_over|reconnected/;    # that what ends has a length
        report($httpd, %report);
        $told .= "$names ";
        $httpd->is_announced('office-vpn', $told =~ s/ \z//r, $names);
    }
    $httpd->set_threshold(3);
    $httpd->is_announced('office-vpn', "${told}offline", 'offline');
    take_events($httpd);
    $httpd->stop;
    $httpd->step_clock(31 * 86_400);
    $httpd->start_again;
    $httpd->is_announced('office-vpn', "${told}offline forgotten", 'forgotten');
    take_events($httpd);
    end($httpd);
}

sub make_move {
    my $httpd = Sentinel->start(conf => "VPNSentinelServerPublicIP $OWN\n");
    for my $id (qw(office-vpn home-vpn)) {
        report($httpd, client_id => $id, public_ip => $NEXT);
        $httpd->is_announced($id, 'connected', "$id: connected");
    }
    $httpd->write_file('httpd.conf', $httpd->read_file('httpd.conf') =~ s/\Q$OWN\E/$NEXT/r);
    $httpd->graceful;
    $httpd->is_announced('', 'server_started server_ip_changed', 'the server moves');
    take_events($httpd);
    end($httpd);
}

# --- many alerts ----------------------------------------------------------------------------------

sub make_digest {
    my $bot = BotApi->start;
    my $httpd = start($bot, "VPNSentinelOfflineThreshold 5\n");
    my @branch = map { "branch-$_" } 1 .. 4;
    my $all = sub { report($httpd, client_id => $_) for qw(office-vpn home-vpn), @branch };
    my $two = sub {
        report($httpd, public_ip => $OWN);
        report($httpd, client_id => 'home-vpn', dns_loc => 'US');
    };
    $httpd->wait_for(sub { $all->(); $httpd->events == 1 + 2 + @branch });
    my $count = all_told($bot, $httpd, $all);
    $bot->leave;
    $httpd->wait_for(sub { $two->(); @branch == grep { $httpd->events($_) == 2 } @branch });
    $bot->come_back;
    $httpd->wait_for(sub { $two->(); $bot->alerts > $count });
    $made{digest} = next_alert($bot, $count);
    end($httpd);
}

sub make_flapping {
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(clock => 1, conf => $bot->conf . "VPNSentinelFlapThreshold 3\n");
    my @event = 'connected';
    report($httpd);
    my $change = sub {
        my ($name, $connected) = @_;
        report($httpd, vpn_connected => $connected);
        push @event, $name;
        $httpd->is_announced('office-vpn', "@event", $name);
    };
    my $fall = sub { $change->('vpn_disconnected', $NO) };
    my $rise = sub { $change->('vpn_reconnected', $YES) };
    for (1 .. 2) {
        $fall->();
        $rise->();
    }
    my $count = all_told($bot, $httpd);
    $fall->();
    $made{flapping} = next_alert($bot, $count);
    $rise->();
    $count = all_told($bot, $httpd);
    for (1 .. 4) {
        $httpd->step_clock(60 * $_);
        $fall->();
        $rise->();
    }
    # Calm, and something to look up for.
    $httpd->step_clock(60 * 4 + 121);
    $bot->say('/ping');
    $made{'flapping gathered'} = next_alert($bot, $count);
    end($httpd);
}

# --- answers --------------------------------------------------------------------------------------

# Begins what takes a second each; returns what ends it.
sub make_answers {
    my $bot = BotApi->start;
    my $httpd = start($bot, '');
    report($httpd);
    report($httpd, client_id => 'home-vpn', public_ip => '203.0.113.9', dns_loc => 'US');
    report($httpd, client_id => 'cellar-vpn', public_ip => $OWN);
    $httpd->api('POST', '/register', { content => { client_id => 'new-vpn' } });
    $httpd->is_announced('office-vpn', 'connected', 'green');
    $httpd->is_announced('home-vpn', 'connected dns_leak', 'yellow');
    $httpd->is_announced('cellar-vpn', 'connected bypass', 'red');
    $bot->say('/status', chat => 4242);
    my %asked = map { $_ => $bot->say($_) } '/help', '/status', '/client home-vpn', '/client shed',
        '/ping', 'How are you?';
    return sub {
        $made{"answer $_"} = $bot->wait_for_reply($asked{$_})->{plain} for sort keys %asked;
        take_log($httpd, 'bot', 1, qr/The bot is/);
        take_log($httpd, 'stranger', 1, qr/\bChat /);
        is_deeply([ map { $_->{command} } $bot->commands ], [ commands_told() ],
            'Telegram offers the commands that /help tells');
        end($httpd);
    };
}

sub commands_told {
    return $made{'answer /help'} =~ m{^/(\w+)}mg;
}

sub make_mute {
    my $bot = BotApi->start;
    my $httpd = start($bot, '');
    my $count = all_told($bot, $httpd);
    my $ask = sub {
        my ($text) = @_;
        $made{"answer $text"} = $bot->wait_for_reply($bot->say($text))->{plain};
    };
    $ask->('/mute 2h');
    report($httpd);
    $httpd->is_announced('office-vpn', 'connected', 'muted: connected');
    report($httpd, vpn_connected => $NO);
    $httpd->is_announced('office-vpn', 'connected vpn_disconnected', 'muted: disconnected');
    $httpd->wait_for(sub { $httpd->telegram->{queued} == 2 });
    $made{'status muted'} = $JSON->encode($httpd->telegram);
    sleep 1.1;    # that the mute has a length
    $ask->('/unmute');
    $made{'digest after mute'} = next_alert($bot, $count);
    end($httpd);
}

# --- troubles -------------------------------------------------------------------------------------

sub make_refusal {
    my $bot = BotApi->start;
    $bot->fail(403);
    $bot->webhook(1);
    my $httpd = start($bot, "VPNSentinelHealth\n");
    report($httpd);
    $httpd->wait_for(sub {
        my $telegram = $httpd->telegram;
        return $telegram->{queued} == 2 && $telegram->{last_error} && $telegram->{bot_error};
    });
    $made{'status'} = $JSON->encode($httpd->telegram);
    my (undef, $ready) =
        $httpd->json('GET', '/health/ready', { headers => { Accept => 'application/json' } });
    $made{'ready'} = $JSON->encode($ready);
    take_log($httpd, 'refused', 2, qr/\[telegram\] ❌/);
    take_error($httpd, $_) for qw(VPNS0060 VPNS0062);
    end($httpd, qr/VPNS006[02]: /);
}

sub make_revocation {
    my $bot = BotApi->start;
    $bot->fail(401, method => 'getUpdates');
    my $httpd = start($bot, '');
    take_error($httpd, 'VPNS0063');
    end($httpd, qr/VPNS0063: /);
}

sub make_upgrade {
    my $bot = BotApi->start(chat => $GROUP);
    my $conf = $bot->conf;
    $bot->migrate($BotApi::CHAT);
    my $httpd = Sentinel->start(conf => $conf . "VPNSentinelTelegramThreadID 7\n");
    ok($bot->wait_for_messages(1), 'upgraded: the message comes');
    take_error($httpd, 'VPNS0061');
    take_log($httpd, 'topic', 1, qr/not found/);
    end($httpd, qr/VPNS0061: /);
}

# --- the guide ------------------------------------------------------------------------------------

my $guide = content('docs/telegram.md');
my %shown;
while ($guide =~ /^( *)<!-- sample: (.+?) -->\n\1```\w*\n(.*?)\n\1```$/msg) {
    my ($indent, $name, $text) = ($1, $2, $3);
    $shown{$name} = $text =~ s/^$indent//mgr;
}

my $answers_made = make_answers();
make_events();
make_move();
make_digest();
make_flapping();
$answers_made->();
make_mute();
make_refusal();
make_revocation();
make_upgrade();

my @events = content('mod_vpnsentinel/event.c') =~ /^    \[EVENT_\w+\] = "(\w+)",$/mg;
is_deeply([ sort map { /^alert (.+)/ } keys %made ], [ sort @events ], 'each kind of event was made');
is_deeply([ sort keys %shown ], [ sort keys %made ], 'the guide shows these samples and no other');
for my $name (sort keys %made) {
    my $shown = $shown{$name} // '';
    $shown = $JSON->encode($JSON->decode($shown)) if $shown =~ /\A\{/;
    is(lasting($shown), lasting($made{$name}), "sample: $name");
}

for my $conf ($guide =~ /^ *```apache\n(.*?)^ *```$/msg) {
    my $here = $conf =~ s{"/(?:etc/vpn-sentinel|var/lib)/}{"\@ROOT\@/}gr;
    my ($status, $output) =
        VpsHttpd->configtest(conf => $here, files => { 'telegram-token' => $BotApi::TOKEN });
    is($status, 0, 'httpd takes: ' . $conf =~ s/\s+/ /gr) or diag $output;
}

done_testing;
