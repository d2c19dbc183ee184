/*
 * @DIRECTIVE@; in a location answers with a greeting.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

static char *@MODULE@_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

static ngx_command_t @MODULE@_commands[] = {
    {
        ngx_string("@DIRECTIVE@"),
        NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS,
        @MODULE@_set,
        0,
        0,
        NULL
    },
    ngx_null_command
};

static ngx_http_module_t @MODULE@_ctx = {
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
};

ngx_module_t @MODULE@ = {
    NGX_MODULE_V1,
    &@MODULE@_ctx,
    @MODULE@_commands,
    NGX_HTTP_MODULE,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};

static ngx_int_t
@MODULE@_handler(ngx_http_request_t *r)
{
    ngx_str_t type = ngx_string("text/plain");
    ngx_http_complex_value_t text;

    ngx_memzero(&text, sizeof(ngx_http_complex_value_t));
    ngx_str_set(&text.value, "hello from @NAME@\n");
    return ngx_http_send_response(r, NGX_HTTP_OK, &type, &text);
}

static char *
@MODULE@_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t *location;

    location = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    location->handler = @MODULE@_handler;
    return NGX_CONF_OK;
}
