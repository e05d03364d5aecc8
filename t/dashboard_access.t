# Who may see the dashboard, and where it is, by the recipes of docs/dashboard.md; the notice when it is
# everybody.
use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use MIME::Base64 qw(encode_base64);
use Test::More;

use DashboardPage;
use Sentinel;
use VpsHttpd;

# A test says in a header from which address a request comes.
my $any_address = "RemoteIPHeader X-Test-Address\nRemoteIPInternalProxy 127.0.0.1\n";
my @login = (Authorization => 'Basic ' . encode_base64('anna:secret', ''));
my @access = qw(authz_host authn_core authn_file auth_basic authz_user remoteip);

# The configurations of the manual, by their names.
my %recipe = do {
    my $path = ($ENV{VPS_SRCDIR} // '.') . '/docs/dashboard.md';
    open(my $file, '<', $path) or die "$path: $!";
    local $/;
    <$file> =~ /^<!-- recipe: (\w+) -->\n```apache\n(.*?)^```$/msg;
};

sub start {
    my ($conf, %option) = @_;
    return Sentinel->start(
        modules => \@access,
        files => { people => 'anna:{SHA}' . sha1_base64('secret') . "=\n" },
        conf => $any_address . $conf,
        %option,
    );
}

sub status_from {
    my ($httpd, $address, $path, @headers) = @_;
    return $httpd->request('GET', $path // '/dashboard',
        { headers => { 'X-Test-Address' => $address, @headers } })->{status};
}

sub notices {
    my ($httpd) = @_;
    return grep { /VPNS0064/ } split /^/, $httpd->error_log;
}

sub finish {
    my ($httpd) = @_;
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS0064: /]);
}

subtest 'the notice' => sub {
    my $httpd = start("VPNSentinelDashboard\nVPNSentinelHealth\nVPNSentinelMaxClients 10\n");
    my @private = qw(127.0.0.1 ::1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.1.1
        100.64.0.1 fc00::1 fdff::1 fe80::1);
    $httpd->wait_until_read;
    is(status_from($httpd, $_), 200, "shown to $_") for @private;
    is(scalar notices($httpd), 0, 'nobody minds');
    my %other = ('/dashboard/dashboard.css' => 200, '/dashboard/x' => 404, '/dashboard?page=x' => 400,
        '/dashboard/client/nobody' => 404, '/health' => 200, '/api/v1/clients' => 401);
    is(status_from($httpd, '203.0.113.9', $_), $other{$_}, "$_ from elsewhere") for sort keys %other;
    is(scalar notices($httpd), 0, '... is no page');

    is(status_from($httpd, '203.0.113.9'), 200, 'a page');
    my @told = notices($httpd);
    is(scalar @told, 1, '... is told');
    my $words = 'VPNS0064: the dashboard is shown to 203.0.113.9 without a login; if not all the world '
        . 'is to see it, restrict it with Require (docs/dashboard.md has examples)';
    like($told[0], qr/\[vpnsentinel:warn\].* \Q$words\E$/, '... with address and remedy');
    $httpd->keepalive({ client_id => 'a' });
    my $again = sub {
        is(status_from($httpd, '198.51.100.1', $_), 200, "$_[0]: $_")
            for '/dashboard', '/dashboard?since=', '/dashboard/client/a';
        is(scalar notices($httpd), 1, "$_[0]: it is told once");
    };
    $again->('again');
    $httpd->graceful;
    $again->('after a graceful');
    $httpd->restart;
    $again->('after a restart');
    $httpd->write_file('httpd.conf',
        $httpd->read_file('httpd.conf') =~ s/MaxClients 10$/MaxClients 100000/mr);
    $httpd->graceful;
    $again->('in larger memory');
    finish($httpd);
};

subtest 'each page can be the one' => sub {
    for my $path ('/dashboard?since=', '/dashboard/client/a', '/dashboard/client/a?since=') {
        my $httpd = start("VPNSentinelDashboard\n");
        $httpd->keepalive({ client_id => 'a' });
        is(status_from($httpd, '2001:db8::1', $path), 200, $path);
        like((notices($httpd))[0] // '', qr/shown to 2001:db8::1 without/, '... is told');
        finish($httpd);
    }
};

subtest 'paths' => sub {
    my $httpd = start($recipe{path}, ports => 2);
    is(status_from($httpd, '127.0.0.1', '/vpn/board'), 200, 'another path');
    is(status_from($httpd, '127.0.0.1', '/dashboard'), 404, '... alone');
    finish($httpd);

    $httpd = start($recipe{host} =~ s/\*:80/*:\@PORT1\@/r, ports => 2);
    is($httpd->request('GET', '/', { port => 1 })->{status}, 200, 'a host of its own');
    is($httpd->request('GET', '/', { port => 0 })->{status}, 404, '... alone');
    finish($httpd);
};

subtest 'behind a proxy' => sub {
    my $behind = start("VPNSentinelDashboard\n" . $recipe{remoteip} =~ s/10\.0\.0\.4/127.0.0.1/r
        . "<Location /dashboard>\nRequire ip 192.0.2.0/24\n</Location>\n");
    $behind->keepalive({ client_id => 'a' });
    my $backend = $behind->url('');
    my $proxy = VpsHttpd->start(module => undef, modules => [qw(alias proxy proxy_http remoteip)],
        conf => $any_address . $recipe{proxy} =~ s/http:\/\/10\.0\.0\.5:8080/$backend/r);
    my $ask = sub {
        my ($path, $address) = @_;
        return $proxy->request('GET', $path,
            { headers => { 'X-Test-Address' => $address // '192.0.2.1' } });
    };
    is($ask->('/monitoring')->{headers}{location}, $proxy->url('/monitoring/'), 'a slash is added');
    for my $path ('/monitoring/', '/monitoring/client/a') {
        my $page = $ask->($path);
        is($page->{status}, 200, "$path is there");
        my %status = map { $_ => $ask->(DashboardPage::resolved($_, $path))->{status} }
            $page->{content} =~ /(?:src|href)="([^"]*)"/g;
        is_deeply([ grep { $status{$_} != 200 } sort keys %status ], [], '... its links lead somewhere');
        is($ask->("$path?since=")->{headers}{'content-type'}, 'application/json', '... and it is live');
        is($ask->($path, '198.51.100.1')->{status}, 403, '... for those who may see it');
    }
    $proxy->stop;
    $proxy->check_error_log;
    $behind->stop;
    $behind->check_error_log(allow => [ qr/VPNS0064: /, qr/AH01630: client denied/ ]);
};

subtest 'compression' => sub {
    my $httpd = start("VPNSentinelDashboard\n$recipe{compression}",
        modules => [qw(filter deflate brotli remoteip)]);
    $httpd->keepalive({ client_id => 'a' });
    for my $path ('', '?since=', '/client/a', '/dashboard.css', '/dashboard.js', '/icon.svg') {
        for my $encoding (qw(gzip br)) {
            my $answer = $httpd->request('GET', "/dashboard$path",
                { headers => { 'Accept-Encoding' => $encoding } });
            is($answer->{headers}{'content-encoding'}, $encoding, "$encoding: /dashboard$path");
        }
        is($httpd->request('GET', "/dashboard$path")->{headers}{'content-encoding'}, undef, 'or none');
    }
    finish($httpd);
};

# Who gets in: address, login, status.
my %admitted = (
    local => [ [ '127.0.0.1', 0, 200 ], [ '::1', 0, 200 ], [ '10.0.0.1', 0, 403 ],
        [ '203.0.113.9', 1, 403 ] ],
    ip => [ [ '192.0.2.1', 0, 200 ], [ '2001:db8::1', 0, 200 ], [ '192.0.3.1', 0, 403 ],
        [ '127.0.0.1', 0, 403 ] ],
    basic => [ [ '192.0.2.1', 0, 401 ], [ '192.0.2.1', 1, 200 ], [ '127.0.0.1', 0, 401 ] ],
    either => [ [ '192.0.2.1', 0, 200 ], [ '203.0.113.9', 0, 401 ], [ '203.0.113.9', 1, 200 ] ],
);

for my $name (sort keys %admitted) {
    subtest "recipe: $name" => sub {
        my $httpd = start("VPNSentinelDashboard\nVPNSentinelHealth\n"
            . $recipe{$name} =~ s/\/etc\/vpn-sentinel/\@ROOT\@/r);
        $httpd->keepalive({ client_id => 'a' });
        for my $path ('/dashboard', '/dashboard/', '/dashboard?since=', '/dashboard/client/a',
            '/dashboard/dashboard.css') {
            for (@{ $admitted{$name} }) {
                my ($address, $has_login, $status) = @$_;
                is(status_from($httpd, $address, $path, $has_login ? @login : ()), $status,
                    "$path: $address" . ($has_login ? ' with a login' : ''));
            }
        }
        is(status_from($httpd, '203.0.113.9', '/health'), 200, 'health goes on');
        is(scalar notices($httpd), $name eq 'ip' || $name eq 'either' ? 1 : 0,
            'the notice is of those who need no login');
        $httpd->stop;
        $httpd->check_error_log(allow => [ qr/VPNS0064: /, qr/AH01630: client denied/ ]);
    };
}

subtest 'recipe: oidc' => sub {
    my $folder = $ENV{VPS_HTTPD_MODULES} // '/usr/lib/apache2/modules';
    plan skip_all => 'mod_auth_openidc is not here' if !-e "$folder/mod_auth_openidc.so";
    my ($status, $output) = VpsHttpd->configtest(
        modules => [qw(authz_host authn_core authz_user auth_openidc)],
        conf => "VPNSentinelDashboard\n$recipe{oidc}");
    is($status, 0, 'httpd takes it') or diag($output);
};

is_deeply([ sort keys %recipe ],
    [ sort qw(path host proxy remoteip compression oidc), keys %admitted ], 'each recipe is tried');

done_testing;
