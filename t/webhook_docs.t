# What docs/webhook.md says is true: its receiver, its ntfy line, and conf/webhook-relay.py, run against
# services that answer like those.
use strict;
use warnings;
use utf8;

use HTTP::Tiny;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use Sentinel;
use WebhookReceiver;

binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);

my $SOURCE = $ENV{VPS_SRCDIR} // '.';
my $SECRET = 'whsec_' . encode_base64('a secret of the test!!!!', '');

sub slurp {
    my ($path) = @_;
    open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
    local $/;
    return <$file>;
}

my $PAGE = slurp("$SOURCE/docs/webhook.md");
my $PYTHON = do { my ($path) = grep { -x } map { "$_/python3" } split /:/, $ENV{PATH}; $path };

# --- those that the outside world has ----------------------------------------------------------------

# Takes alerts as Alertmanager's API does: an array of objects with labels, among them a name.
package Alertmanager {
    use parent 'LocalServer';

    sub service { $_[1]{path} eq '/api/v2/alerts' && $_[1]{method} eq 'POST' ? 'alerts' : 'none' }

    sub answer {
        my (undef, $request) = @_;
        my $alerts = eval { JSON::PP->new->utf8->decode($request->{body}) };
        my $is_good = ref $alerts eq 'ARRAY' && $request->{header}{'content-type'} eq 'application/json'
            && !grep { ref $_ ne 'HASH' || !$_->{labels}{alertname} || grep { ref } values %{ $_->{labels} } }
            @$alerts;
        return $is_good ? (200, {}, '') : (400, {}, '{"code":400}');
    }

    sub alerts {
        my ($self) = @_;
        return map { @{ JSON::PP->new->utf8->decode($_->{body}) } } $self->requests('alerts');
    }
}

# Makes title and message of a posted JSON as ntfy does, from templates in the query.
package Ntfy {
    use parent 'LocalServer';

    sub service { $_[1]{path} =~ m{\A/TOPIC\?} && $_[1]{method} eq 'POST' ? 'topic' : 'none' }
    sub answer { return (200, {}, '{"event":"message"}') }

    sub notifications {
        my ($self) = @_;
        return map { _notification($_) } $self->requests('topic');
    }

    sub _notification {
        my ($request) = @_;
        my ($query) = $request->{path} =~ /\?(.*)/;
        my %parameter = map { split /=/, $_, 2 } split /&/, $query =~ tr/+/ /r;
        s/%([0-9A-Fa-f]{2})/chr hex $1/ge for values %parameter;
        my $json = JSON::PP->new->utf8->decode($request->{body});
        return { raw => $request->{body} } if $parameter{template} ne 'yes';
        return { map { $_ => $parameter{$_} =~ s/\{\{\.(\w+)\}\}/$json->{$1}/gr } qw(title message) };
    }
}

package main;

# --- programs ------------------------------------------------------------------------------------------

my @running;

# Runs a program until the test ends; it listens on the port, and what it prints goes to the file.
sub run {
    my ($httpd, $port, $output, @command) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', $httpd->root . "/$output" or die $!;
        open STDERR, '>', $httpd->root . "/$output.err" or die $!;
        exec @command or die "exec: $!";
    }
    push @running, $pid;
    return ok($httpd->wait_for(sub {
        IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 1);
    }), "$command[1] listens") || diag $httpd->read_file("$output.err");
}

END {
    local $?;
    for my $pid (@running) {
        kill 'KILL', $pid;
        waitpid $pid, 0;
    }
}

sub started {
    my ($url, @secret) = @_;
    return Sentinel->start(conf => "VPNSentinelWebhook \"$url\" @secret\n", files => { secret => "$SECRET\n" });
}

sub post {
    my ($port, $body, %header) = @_;
    return HTTP::Tiny->new->post("http://127.0.0.1:$port/", { headers => \%header, content => $body })->{status};
}

# What is not as it should be is refused: no signature, another's, one of long ago.
sub refuses_forgeries {
    my ($port, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $signer = WebhookReceiver->new(secret => $SECRET);
    my ($body, $now) = ('{"message":"forged","event":"bypass","client_id":"x"}', time);
    my $signed = sub { ('webhook-id' => 'msg_1', 'webhook-timestamp' => $_[0],
        'webhook-signature' => $signer->signature("msg_1.$_[0].$body")) };
    is(post($port, $body, 'webhook-id' => 'msg_1', 'webhook-timestamp' => $now), 401, "$name: not signed");
    is(post($port, $body, $signed->($now - 1000)), 401, '... signed long ago');
    is(post($port, "$body ", $signed->($now)), 401, '... another text');
    is(post($port, $body, $signed->($now), 'webhook-id' => 'msg_2'), 401, '... another id');
}

# --- the page -------------------------------------------------------------------------------------------

subtest 'what is sent' => sub {
    my ($text) = $PAGE =~ /```json\n(\{ "id".*?)```/s or die 'no sample';
    my $sample = JSON::PP->new->utf8(0)->decode($text);
    my $receiver = WebhookReceiver->start;
    my $httpd = Sentinel->start(conf => $receiver->conf, files => $receiver->files);
    $httpd->keepalive({ client_id => 'office', public_ip => $_, location => 'RO', country => 'RO',
        city => 'Bucharest', dns_loc => 'RO' }) for qw(203.0.113.5 203.0.113.7);
    ok($httpd->wait_for(sub { $receiver->events == 3 }), 'three events');
    my $event = ($receiver->events)[2]{event};
    is($event->{event}, $sample->{event}, 'the one that the page shows');
    is_deeply([ sort keys %$event ], [ sort keys %$sample ], '... has the members that the page shows');
    is($event->{$_}, $sample->{$_}, "... $_") for qw(client_id light from to place dns city);
    is($event->{message} =~ s/^Time: \K.*//mr, $sample->{message} =~ s/^Time: \K.*//mr, '... message');
    my %kind = map { $_ => 1 } $PAGE =~ /^\| `event` \|.*$/m ? $& =~ /`(\w+)`/g : ();
    delete $kind{event};
    my ($names) = slurp("$SOURCE/mod_vpnsentinel/event.c") =~ /EVENT_CONNECTED\][^;]*/s ? $& : '';
    is_deeply([ sort keys %kind ], [ sort $names =~ /= "(\w+)"/g ], 'the page has each kind of event');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'ntfy' => sub {
    my ($url) = $PAGE =~ m{^VPNSentinelWebhook "https://ntfy\.sh(/TOPIC[^"]*)"$}m or die 'no line for ntfy';
    my $ntfy = Ntfy->start;
    my $httpd = started($ntfy->url . $url);
    $httpd->keepalive({ client_id => 'office' });
    ok($httpd->wait_for(sub { $ntfy->notifications == 2 }), 'two notifications');
    my ($event) = $httpd->events('office');
    is_deeply(($ntfy->notifications)[1], { title => 'VPN connected', message => $event->{message} },
        'title and message are made of the event');
    $httpd->stop;
    $httpd->check_error_log;
};

SKIP: {
    skip 'there is no python3', 2 if !$PYTHON;

    subtest 'the receiver' => sub {
        my ($program) = $PAGE =~ /```python\n(.*?)```/s or die 'no receiver';
        my ($port) = VpsHttpd->free_ports(1);
        my $httpd = started("http://127.0.0.1:$port/", 'secret');
        $httpd->write_file('receiver.py', $program);
        run($httpd, $port, 'heard', $PYTHON, $httpd->root . '/receiver.py', $port, $httpd->root . '/secret');
        $httpd->keepalive({ client_id => 'office' });
        $httpd->is_announced('office', 'connected', 'an event');
        my $expected = join '', map { "$_->{message}\n" } $httpd->events;
        utf8::encode($expected);
        ok($httpd->wait_for(sub { $httpd->read_file('heard') eq $expected }), '... is heard, and the one before');
        refuses_forgeries($port, 'the receiver');
        $httpd->stop;
        is($httpd->read_file('heard'), $expected, 'and nothing else is heard');
        $httpd->check_error_log;
    };

    subtest 'Alertmanager' => sub {
        my ($port) = VpsHttpd->free_ports(1);
        my $manager = Alertmanager->start;
        my $httpd = started("http://127.0.0.1:$port/", 'secret');
        $manager->misbehave(alerts => { status => 500, times => 1 });
        run($httpd, $port, 'relay', $PYTHON, "$SOURCE/conf/webhook-relay.py", '--port', $port, '--secret-file',
            $httpd->root . '/secret', '--alertmanager', $manager->url);
        $httpd->keepalive({ client_id => 'office', vpn_connected => $_ })
            for JSON::PP::true, JSON::PP::false, JSON::PP::true;
        $httpd->is_announced('office', 'connected vpn_disconnected vpn_reconnected', 'three events');
        ok($httpd->wait_for(sub { $manager->alerts == 4 }), 'all is delivered');
        my @alert = $manager->alerts;
        is(join(' ', map { $_->{labels}{alertname} } @alert),
            'VPNClientOffline VPNClientOffline VPNDisconnected VPNDisconnected',
            'each of them, the one that met a failure again');
        my ($begin, $end) = @alert[2, 3];
        my ($began, $ended) = (map { "$_->{time}" =~ s/Z\z/+00:00/r } ($httpd->events('office'))[1, 2]);
        is_deeply($begin->{labels}, $end->{labels}, 'begin and end are of the same alert');
        is($begin->{labels}{client_id}, 'office', '... of this client');
        is($begin->{startsAt}, $began, 'it begins when it did');
        cmp_ok($begin->{endsAt}, 'gt', $ended, '... open');
        is($end->{endsAt}, $ended, '... and ends when it did');
        is($begin->{annotations}{summary}, ($httpd->events('office'))[1]{message}, 'the message is its summary');
        refuses_forgeries($port, 'the relay');
        is(scalar($manager->alerts), 4, 'which Alertmanager does not hear of');
        $httpd->stop;
        $httpd->check_error_log;
    };
}

done_testing;
